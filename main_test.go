// main_test.go is the program's specification, written as tests. A test's name is a
// sentence that is true of the program, the comment above it says why, and its body
// is the example. Read it from top to bottom:
//
//	1 A token              4 HTTP               7 The README
//	2 The walk-through     5 The users' file    8 Beyond examples
//	3 GraphQL              6 The program
//
// go test -v prints the sentences, and go test -v -run Test3 those of chapter 3.
// (Examples run last, whatever their place.) Days and years pass at once, in
// testing/synctest. Most tests are tables of requests and the replies to them:
//
//	{"who am I?", ask(`{ me { id } }`, bearer+token), data(`{"me":{"id":1}}`)},
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/bcrypt"
)

// TestMain lets nothing in from outside, and is the program where a test starts that.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_THE_PROGRAM") != "" {
		main() // exits
	}
	for _, name := range []string{"PORT", "JWT_SECRET", "NO_COLOR", "http_proxy", "HTTP_PROXY"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// An exchange is a request and the reply to it.
type exchange struct{ name, request, want string }
type exchanges []exchange

func (table exchanges) test(t *testing.T, s *server) {
	t.Helper()
	for _, row := range table {
		if got := s.send(row.request); got != row.want {
			t.Errorf("%s: %.999s\n got %.999s\nwant %s", row.name, row.request, got, row.want)
		}
	}
}

type server struct {
	*app
	file   string // of the users
	logged *bytes.Buffer
}

// newServer returns a server without users and without a port.
func newServer(t testing.TB) *server {
	s := &server{file: filepath.Join(t.TempDir(), "users.jsonl"), logged: &bytes.Buffer{}}
	logger := log.New(s.logged, "", 0)
	users, err := openStore(s.file, logger)
	if err == nil {
		t.Cleanup(func() { users.close() })
		s.app, err = newApp(settings{cost: bcrypt.MinCost, secret: secret}, users, logger)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send returns the reply to a request, without the headers that every reply has.
func (s *server) send(request string) string {
	w, headers := httptest.NewRecorder(), &strings.Builder{}
	s.ServeHTTP(w, parseRequest(request))
	for _, name := range everyReply {
		w.Header().Del(name)
	}
	w.Header().Write(headers)
	return replyOf(w.Code, strings.ReplaceAll(headers.String(), "\r", ""), w.Body.String())
}

var everyReply = []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
	"Cache-Control", "Vary", "X-Content-Type-Options"}

// token sends a document that signs up or logs in, and returns the token.
func (s *server) token(document string) string {
	return regexp.MustCompile(`eyJ[^"]*`).FindString(s.send(ask(document)))
}

// parseRequest reads a request as it is on the wire, but for its version and Host.
func parseRequest(request string) *http.Request {
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Add(name, strings.Trim(value, " \t"))
	}
	return r
}

// ask writes the request that sends a document. askWith adds variables, in JSON, and
// askFor any members of the body.
func ask(document string, headers ...string) string {
	lines := append([]string{"POST /api", "Content-Type: application/json"}, headers...)
	return strings.Join(lines, "\n") + "\n\n" + `{"query":` + quoted(document) + `}`
}
func askWith(document, json string) string { return askFor(document, `"variables":`+json) }
func askFor(document, members string) string {
	return strings.TrimSuffix(ask(document), "}") + "," + members + "}"
}

func quoted(s string) string { return string(encode(s)) } // as JSON and GraphQL do

// replyOf writes a reply. replied and data are to a document, refused to a bad request.
func replyOf(status int, headers, body string) string {
	return fmt.Sprintf("%d %s\n%s\n%s", status, http.StatusText(status), headers, body)
}

const ofJSON = "Content-Type: application/json; charset=utf-8\n"

func replied(body string) string { return replyOf(200, ofJSON, body) }
func data(json string) string    { return replied(`{"data":` + json + `}`) }
func refused(status int, message string, headers ...string) string {
	lines := strings.Join(append(headers, ofJSON), "\n")
	return replyOf(status, lines, `{"errors":[`+errorAt(message, "")+`]}`)
}

// invalid is the reply to a document that is refused, at places such as "1:2 3:4",
// and failed to one whose one field failed.
func invalid(message, at string) string {
	return replied(`{"errors":[` + errorAt(message, at) + `]}`)
}
func failed(field, at, message, code string) string {
	e := strings.TrimSuffix(errorAt(message, at, field), "}") + `,"extensions":{"code":"` + code
	return replied(`{"errors":[` + e + `"}}],"data":{"` + field + `":null}}`)
}
func errorAt(message, at string, path ...any) string {
	e := gqlError{Message: message, Path: path}
	for place := range strings.FieldsSeq(at) {
		e.Locations = append(e.Locations, location{})
		l := &e.Locations[len(e.Locations)-1]
		fmt.Sscanf(place, "%d:%d", &l.Line, &l.Column)
	}
	return string(encode(e))
}

// -----------------------------------------------------------------------------
// 1 A token
//
// A token is three texts: what it is, what it says, and proof that we wrote it.
// -----------------------------------------------------------------------------

const (
	secret      = "somereallylongsecretkey" // the tutorial's
	bearer      = "Authorization: Bearer "
	hs256       = `{"alg":"HS256","typ":"JWT"}`
	user1       = `"id":1,"email":"johndoe@example.com"`
	johnsClaims = `{` + user1 + `,"iat":1518346667,"exp":1549904267}`
	johnsToken  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MSwiZW1haWwiOiJqb2huZG9l" +
		"QGV4YW1wbGUuY29tIiwiaWF0IjoxNTE4MzQ2NjY3LCJleHAiOjE1NDk5MDQyNjd9." +
		"fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPSMXW1OWM"
)

var issued = time.Unix(1518346667, 0) // when John's token was written

func base64URL(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signed makes a token of any two texts, honest or not, under any secret.
func signed(secret, header, claims string) string {
	signingInput := base64URL(header) + "." + base64URL(claims)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(signingInput))
	return signingInput + "." + base64URL(string(h.Sum(nil)))
}
func sealed(input string) string      { return input + "." + mac([]byte(secret), input) }
func withHeader(header string) string { return signed(secret, header, johnsClaims) }
func withClaims(claims string) string { return signed(secret, hs256, claims) }
func johns(claims string) string      { return withClaims(`{` + user1 + `,` + claims + `}`) }

// answer is "accepted", or the check that refuses a token and what it has found.
func answer(token string, now time.Time) (said string) {
	report := func(c check, found string, _ error) { said = c.name + ": " + found }
	if newJWT([]byte(secret), token, now).judge(report) == nil {
		return "accepted"
	}
	return said
}

const (
	notBase64URL = "content: the header part is not base64url"
	forged       = "signature: not the HMAC-SHA-256 of header.claims"
	noExp        = "expiry: exp is missing or not a number"
	badUser      = "user: id or email is not as it must be"
)

// A table of tokens, and the answer to each as the second of issued ends.
type tokens []struct{ name, token, want string }

func (table tokens) test(t *testing.T) {
	for _, row := range table {
		if got := answer(row.token, issued.Add(time.Second-1)); got != row.want {
			t.Errorf("%s: %.999s: %s; want %s", row.name, row.token, got, row.want)
		}
	}
}

// refusedToken is the server's reply to a request with a bad token.
func refusedToken(check, message string) string {
	header := `Www-Authenticate: Bearer error="invalid_token", error_description="` + message + `"`
	body := strings.TrimSuffix(errorAt(message, ""), "}") + `,"extensions":{"check":"` + check
	return replyOf(401, ofJSON+header+"\n", `{"errors":[`+body+`","code":"UNAUTHENTICATED"}}]}`)
}

// All it takes is JSON, base64url and a hash with a secret.
func Example_aTokenIsMadeByHand() {
	header := base64URL(`{"alg":"HS256","typ":"JWT"}`)
	claims := base64URL(`{"id":1,"email":"johndoe@example.com","iat":1518346667,"exp":1549904267}`)
	h := hmac.New(sha256.New, []byte("somereallylongsecretkey"))
	h.Write([]byte(header + "." + claims))
	signature := base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	fmt.Println(header, signature)
	fmt.Println(answer(header+"."+claims+"."+signature, time.Unix(1518346667, 0)))
	// Output:
	// eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPSMXW1OWM
	// accepted
}

// Reading needs no secret, so a token must not say what its bearer, or a thief, may
// not know. Only writing needs the secret.
func Example_anyoneCanReadAToken() {
	parts := strings.Split(johnsToken, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	fmt.Printf("%s\n", claims)
	changed := base64URL(strings.Replace(string(claims), `"id":1`, `"id":2`, 1))
	fmt.Println(answer(parts[0]+"."+changed+"."+parts[2], issued))
	// Output:
	// {"id":1,"email":"johndoe@example.com","iat":1518346667,"exp":1549904267}
	// signature: not the HMAC-SHA-256 of header.claims
}

// The signatures are jsonwebtoken 9.0.3's. With one byte more or less in the header
// or the claims, they would be others.
func Test1_TheSameBytesAsJsonwebtoken(t *testing.T) {
	const everyCharacter = "aZ09.!#$%&'*+/=?^_`{|}~-@b-c.d" // that an email may have
	for want, c := range map[string]claims{
		"fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPSMXW1OWM": {
			1, "johndoe@example.com", 1518346667, 1549904267},
		"_I1kgPkGhb-tVhjkzqxs6ljStufXfhf1CeBWbMUYfMI": {
			1<<31 - 1, everyCharacter, 1518346667, 4102444800},
	} {
		token := sign([]byte(secret), c)
		back, err := verify([]byte(secret), token, issued)
		if !strings.HasSuffix(token, "."+want) || back != c || err != nil {
			t.Errorf("%+v: %s, verified %+v, %v; want … .%s", c, token, back, err, want)
		}
	}
}

// Each check is there because somebody once left it out.
func Test1_EveryCheckHasItsAttack(t *testing.T) {
	part := strings.Split(johnsToken, ".")
	other := base64URL(strings.Replace(johnsClaims, `"id":1`, `"id":2`, 1))
	const only, most = `; only "HS256" is accepted`, "; a token has at most 8192"
	tokens{
		// golang-jwt and go-jose split at all of them (CVE-2025-30204, CVE-2025-27144).
		{"half a million dots", strings.Repeat(".", 500_000), "form: 500000 bytes" + most},
		{"8193 bytes", strings.Repeat("a", 8193), "form: 8193 bytes" + most},
		{"8192 bytes", strings.Repeat("a", 8192), "form: 1 part; a token has three"},
		// One token that can be written in many ways, revoked or counted in one, is
		// good in another. Go's decoders skip line ends.
		{"a line feed", sealed("\n" + part[0] + "." + part[1]), notBase64URL},

		// Eight libraries believed the token (McLean, 2015).
		{"alg none", base64URL(`{"alg":"none"}`) + ".e30.", "signed: the signature is empty"},
		{"alg none, signed", withHeader(`{"alg":"none"}`), `algorithm: alg is "none"` + only},
		// They then looked for "none" and were sent this (Auth0, 2020).
		{"alg None", withHeader(`{"alg":"None"}`), `algorithm: alg is "None"` + only},
		// jsonwebtoken took the public key, which everybody has, as the secret (CVE-2015-9235).
		{"alg RS256", withHeader(`{"alg":"RS256"}`), `algorithm: alg is "RS256"` + only},
		// encoding/json takes this for "alg".
		{"ALG", withHeader(`{"ALG":"HS256"}`), `algorithm: alg is missing` + only},
		{"another user's id", part[0] + "." + other + "." + part[2], forged},
		{"another secret", signed("secret", hs256, johnsClaims), forged},
		// node-jose took the key from the token itself (CVE-2018-0114).
		{"jwk", signed("k", `{"alg":"HS256","jwk":{"kty":"oct","k":"aw"}}`, johnsClaims), forged},
		{"nbf null", johns(`"exp":2e9,"nbf":null`), "not before: nbf is not a number"},
		{"exp is over", johns(`"exp":1518346665`), "expiry: ended 2 seconds ago"},
		{"exp inside another", johns(`"a":{"exp":2e9},"b":"\",\"exp\":2e9"`), noExp},
		{"id 0", withClaims(`{"id":0,"email":"a@b.c","exp":2e9}`), badUser},
	}.test(t)
}

// There is no character that one could change, leave out or add.
func Test1_EveryCharacterCounts(t *testing.T) {
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \r\n\x00\xff"
	for i := range len(johnsToken) + 1 {
		for _, character := range append(strings.Split(all, ""), "") {
			for _, rest := range []string{johnsToken[i:], johnsToken[min(i+1, len(johnsToken)):]} {
				forgery := johnsToken[:i] + character + rest
				if forgery != johnsToken && answer(forgery, issued) == "accepted" {
					t.Errorf("%q: accepted", forgery)
				}
			}
		}
	}
}

// A token that fails every check is mended from the first to the last. The order
// tells no secrets: what a token claims is judged only once we know it is ours.
func Test1_TheFirstFailedCheckAnswers(t *testing.T) {
	none, bad := base64URL(`{"alg":"none"}`), base64URL(`{"nbf":"now","exp":"never"}`)
	for _, row := range []struct{ mended, token, want string }{
		{"nothing", "?" + bad, "jwt malformed"},
		{"the form", "?." + bad + ".", "invalid token"},
		{"the header", none + "." + bad + ".", "jwt signature is required"},
		{"an empty signature", none + "." + bad + ".AAAA", "invalid algorithm"},
		{"the algorithm", base64URL(hs256) + "." + bad + ".AAAA", "invalid signature"},
		{"the signature", withClaims(`{"nbf":"now","exp":"x"}`), "invalid nbf value"},
		{"the type of nbf", withClaims(`{"nbf":2e9,"exp":"x"}`), "jwt not active"},
		{"nbf", withClaims(`{"nbf":1e9,"exp":"x"}`), "invalid exp value"},
		{"the type of exp", withClaims(`{"nbf":1e9,"exp":1e9}`), "jwt expired"},
		{"exp", withClaims(`{"nbf":1e9,"exp":2e9}`), "invalid token"},
		{"the user", johns(`"nbf":1e9,"exp":2e9`), "<nil>"},
	} {
		if _, err := verify([]byte(secret), row.token, issued); fmt.Sprint(err) != row.want {
			t.Errorf("mended %s: %s: %v; want %s", row.mended, row.token, err, row.want)
		}
	}
}

// Time is cut to whole seconds: nbf is good from its second on, exp until the one
// before it. Numbers are JavaScript's.
func Test1_TimeIsToTheSecond(t *testing.T) {
	tokens{
		{"exp in no time", johns(`"exp":1518346668`), "accepted"},
		{"exp a moment ago", johns(`"exp":1518346667`), "expiry: ended now"},
		{"nbf a moment ago", johns(`"exp":2e9,"nbf":1518346667`), "accepted"},
		{"nbf in no time", johns(`"exp":2e9,"nbf":1518346668`), "not before: starts in 1 second"},
	}.test(t)
}

// All of these are signed as they should be, and jsonwebtoken accepts them. But if
// two programs read a token differently, an attacker can use the difference.
func Test1_StricterThanJsonwebtoken(t *testing.T) {
	tokens{
		{"stray bits", sealed(base64URL(hs256 + " ")[:37] + "B.e30"), notBase64URL},
		{"claims not UTF-8", johns("\"exp\":2e9,\"\xff\":1"),
			"content: the claims part is not UTF-8"},
		// Authlib and PyJWT went on without understanding it (CVE-2025-59420).
		{"crit", withHeader(`{"alg":"HS256","crit":["exp"]}`),
			"content: crit in the header asks for extensions"},
		// CouchDB checked the last of two "roles" and used the first (CVE-2017-12635).
		{"alg twice, once escaped", withHeader(`{"alg":"none","\u0061lg":"HS256"}`),
			`content: the header part has the name "alg" twice`},
		{"id twice", withClaims(`{"id":2,` + johnsClaims[1:]),
			`content: the claims part has the name "id" twice`},
		{"claims a list", withClaims(`[` + johnsClaims + `]`),
			"content: the claims part is not a JSON object"},
		{"no exp", johns(`"EXP":2e9`), noExp},
		// Odd, yet there is only one way to read it.
		{"white space", withHeader(" {\t\"alg\" : \"HS256\"\r\n} "), "accepted"},
		{"escapes, names", withHeader(`{"x":[{"crit":"]}"}],"\u0061lg":"\u0048S256"}`), "accepted"},
	}.test(t)
}

// The command runs the server's checks and says what each has found.
func Test1_TheTokenCommandExplains(t *testing.T) { synctest.Test(t, theTokenCommand) }

func theTokenCommand(t *testing.T) {
	time.Sleep(time.Until(time.Date(2026, 11, 23, 16, 1, 2, 0, time.UTC)))
	explain := func(secret, stdin string, args ...string) string {
		var out, complaint bytes.Buffer
		status := tokenCommand(args, []byte(secret), strings.NewReader(stdin), &out, &complaint)
		return fmt.Sprintf("\n%s%s%d", &out, &complaint, status)
	}
	refused := `
header     alg    "HS256"
           typ    "JWT"
claims     id     1
           email  "johndoe@example.com"
           iat    1518346667  2018-02-11 10:57:47 UTC, 8 years ago
           exp    1549904267  2019-02-11 16:57:47 UTC, 7 years ago
signature  32 bytes

pass  form        three parts, with dots between                RFC 7515 §7.1
pass  content     base64url of JSON objects, no name twice      RFC 7519 §7.2
pass  signed      a signature is there                          RFC 7518 §3.6
pass  algorithm   HS256, the only one accepted                  RFC 8725 §3.1
pass  signature   the HMAC-SHA-256 of header.claims             RFC 7518 §3.2
pass  not before  no nbf: good at once                          RFC 7519 §4.1.5
FAIL  expiry      ended 7 years ago                             RFC 7519 §4.1.4
skip  user        not reached                                   RFC 7519 §4.3

refused: jwt expired
1`
	day := johns(fmt.Sprint(`"exp":`, time.Now().Unix()+86400))
	accepted := strings.NewReplacer(
		"FAIL  expiry      ended 7 years ago ", "pass  expiry      ends in 24 hours  ",
		"1549904267  2019-02-11 16:57:47 UTC, 7 years ago",
		"1795536062  2026-11-24 16:01:02 UTC, in 24 hours",
		"           iat    1518346667  2018-02-11 10:57:47 UTC, 8 years ago\n", "",
		"skip  user        not reached                 ",
		"pass  user        id and email say whose it is",
		"refused: jwt expired\n1", "accepted\n0").Replace(refused)
	const usage = "token: give it one token, as the argument or on standard input 2"
	xs := strings.Repeat("x", 58)
	// A token can't drive the terminal, nor fill it.
	driving := withHeader(`{"\u001b[2J":"` + "\u009b\u00a0" + `","b":1,"c":2,"d":3,"e":4,"f":5}`)
	filling := withClaims(`{"a":"` + xs + `x","b":"` + xs + `","c":3,"d":4,"e":5,"f":{},"g":7}`)
	for _, row := range [][2]string{ // whole, or a piece that is right but for white space
		{explain(secret, "", johnsToken), refused},
		{explain(secret, " bearer \t"+day+"\n"), accepted},
		{relative(0.9), "^ now $"}, {relative(1), "^ in 1 second $"},
		{relative(-119), "^ 119 seconds ago $"}, {relative(120), "^ in 2 minutes $"},
		{relative(730*86400 - 1), "^ in 729 days $"}, {relative(730 * 86400), "^ in 2 years $"},
		{explain("", day), "skip signature no JWT_SECRET: not checked RFC"},
		{explain(secret, withClaims(`{"nbf":0}`)), "pass not before started 56 years ago RFC"},
		// Nobody can accept a token without a secret, not even by mistake.
		{explain("", day), " not judged: without JWT_SECRET, anyone may have written this 3"},
		{explain("", johnsToken), " refused: jwt expired 1"},
		{explain(secret, "Bearer"), usage}, {explain(secret, "a", "a", "b"), usage},
		{explain(secret, "a.b"), "^ FAIL form 2 parts; a token has three RFC"},
		{explain(secret, "W10.e30."), "^ claims {} signature empty pass"}, // [] and {}
		{explain(secret, withHeader(`{"a":1,"a":2}`)), "header a 1 a 2 claims id"},
		{explain(secret, withHeader(`{"alg":"none of yours, I fear"}`)),
			`algorithm alg is "none of yours, I fear"; only "HS256… RFC 8725`},
		{explain(secret, driving),
			`^ header \u001b[2J "\u009b\u00a0" b 1 c 2 d 3 e 4 f 5 claims id`},
		{explain(secret, filling),
			`"` + xs + `… b "` + xs + `" c 3 d 4 e 5 … and 2 more signature`},
		{explain(secret, withClaims(`{"iat":253402300800,"nbf":-1e400,"exp":253402300799}`)),
			"iat 253402300800 nbf -1e400 exp 253402300799 9999-12-31 23:59:59 UTC, in 7978 years"},
	} {
		piece := "^ " + strings.Join(strings.Fields(row[0]), " ") + " $"
		if row[0] != row[1] && !strings.Contains(piece, row[1]) {
			t.Errorf("%s\nwant: %s", row[0], row[1])
		}
	}
}

// -----------------------------------------------------------------------------
// 2 The walk-through: sign up, log in, ask who one is
// -----------------------------------------------------------------------------

const (
	johnSignsUp = `mutation { signup(username: "johndoe", email: "johndoe@example.com", ` +
		`password: "password") }`
	johnLogsIn = `mutation { login(email: "johndoe@example.com", password: "password") }`
	whoAmI     = `{ me { id username email } }`
	john       = `{"me":{"id":1,"username":"johndoe","email":"johndoe@example.com"}}`
)

var (
	anonymous    = failed("me", "1:3", "You are not authenticated!", "UNAUTHENTICATED")
	unknownEmail = failed("login", "1:12", "No user with that email", "UNAUTHENTICATED")
	takenEmail   = failed("signup", "1:12", "Email already in use", "BAD_USER_INPUT")
)

func signupOf(username, email, password string) string {
	return fmt.Sprintf("mutation { signup(username: %s, email: %s, password: %s) }",
		quoted(username), quoted(email), quoted(password))
}

func loginOf(email, password string) string {
	return "mutation { login(email: " + quoted(email) + ", password: " + quoted(password) + ") }"
}

// This is the tutorial, at the second at which its author signed up: with the
// same secret, the token is the one of the tutorial, byte for byte.
func Test2_TheWalkThrough(t *testing.T) {
	ofLogin := withClaims("{" + user1 + `,"iat":1518346667,"exp":1518433067}`)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(issued))
		exchanges{
			{"sign up", ask(johnSignsUp), data(`{"signup":"` + johnsToken + `"}`)},
			{"log in", ask(johnLogsIn), data(`{"login":"` + ofLogin + `"}`)},
			{"me, without a token", ask(whoAmI), anonymous},
			{"me, with the token of the sign-up", ask(whoAmI, bearer+johnsToken), data(john)},
			{"me, with the token of the login", ask(whoAmI, bearer+ofLogin), data(john)},
		}.test(t, newServer(t))
	})
}

// A sign-up is trusted for long, since the person is most likely to come back; a
// login for a day. A year is 365.25 days, as jsonwebtoken counts "1y".
func Test2_ALoginLastsADayASignUpAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		lasts := func(document string, want time.Duration) {
			request := ask(whoAmI, bearer+s.token(document))
			time.Sleep(want - time.Second)
			exchanges{{"a second before the end", request, data(john)}}.test(t, s)
			time.Sleep(time.Second)
			exchanges{{"at the end", request, refusedToken("expiry", "jwt expired")}}.test(t, s)
		}
		time.Sleep(time.Second / 2)
		lasts(johnSignsUp, 31_557_600*time.Second)
		lasts(johnLogsIn, 86_400*time.Second)
		s.ttl = 1900 * time.Millisecond
		lasts(johnLogsIn, time.Second)
	})
}

// Every rule has the first value that breaks it and, at the end, the last that doesn't.
// Where a value breaks several rules, the one that stands first here answers.
func Test2_WhatSignUpRefuses(t *testing.T) {
	const u, email, pw = "johndoe", "johndoe@example.com", "password"
	é36, x61 := strings.Repeat("é", 36), strings.Repeat("x", 61)
	domain := x61 + "." + x61 + "." + x61 + "." + x61 // 247 bytes
	s := newServer(t)
	s.send(ask(johnSignsUp))
	for want, rows := range map[string][][3]string{
		"Username must not be empty":              {{"", "", ""}, {"\t\u00a0 ", email, pw}},
		"Username must be at most 255 characters": {{strings.Repeat("é", 256), "", ""}},
		"Invalid email address":                   {{u, "", ""}, {u, "1234567@" + domain, pw}},
		"Password must be at least 8 characters":  {{u, email, "éééé日本\x00"}},
		"Password must be at most 72 bytes":       {{u, email, é36 + "\x00"}},
		"Password must not contain U+0000":        {{u, email, "password\x00"}},
		"Email already in use":                    {{u, email, pw}, {u, " JohnDoe@EXAMPLE.com", pw}},
		"": {{" " + strings.Repeat("é", 255) + "\u3000", "b@b", pw}, {u, "123456@" + domain, pw},
			{u, "d@b", "ééééé日本語"}, {u, "e@b", é36}, {u, "f@b", "   7    "}},
	} {
		for _, r := range rows {
			request := ask(signupOf(r[0], r[1], r[2]))
			reply := failed("signup", "1:12", want, "BAD_USER_INPUT")
			if want == "" { // It is a token, as a login proves.
				s.send(request)
				request = ask(`{ me { email } }`, bearer+s.token(loginOf(r[1], r[2])))
				reply = data(`{"me":{"email":` + quoted(r[1]) + `}}`)
			}
			exchanges{{want, request, reply}}.test(t, s)
		}
	}
}

// As in the tutorial, the answer says that an email is unknown, so it tells who has an
// account. Anyone could find that out with signup, too.
func Test2_WhatLoginRefuses(t *testing.T) {
	wrong := failed("login", "1:12", "Incorrect password", "UNAUTHENTICATED")
	xs, s := strings.Repeat("x", 72), newServer(t)
	s.send(ask(johnSignsUp))
	s.send(ask(signupOf("72", "72@k", xs)))
	inCapitals := s.token(loginOf(" JOHNDOE@example.com\u2003", "password"))
	exchanges{
		{"unknown email", ask(loginOf("jane@example.com", "password")), unknownEmail},
		{"a Kelvin sign only looks like k", ask(loginOf("72@\u212a", xs)), unknownEmail},
		{"wrong password", ask(loginOf("johndoe@example.com", "Password")), wrong},
		{"too long: bcrypt reads 72 bytes of it", ask(loginOf("72@k", xs+"x")), wrong},
		{"the same to bcrypt", ask(loginOf("johndoe@example.com", "password\x00password")), wrong},
		{"the case of an email does not count", ask(whoAmI, bearer+inCapitals), data(john)},
	}.test(t, s)
}

// The header is RFC 6750's. A bad token is refused even where none is needed: the
// client believes that it is logged in, and has to know that it is not.
func Test2_TheAuthorizationHeader(t *testing.T) {
	s := newServer(t)
	good := s.token(johnSignsUp)
	badFormat := refused(400, "Format is Authorization: Bearer [token]")
	unreadable := refusedToken("content", "invalid token")
	exchanges{
		{"any case, white space", ask(whoAmI, "Authorization: \t bEARER\t "+good+" "), data(john)},
		{"no token", ask(whoAmI, bearer), badFormat},
		{"two tokens", ask(whoAmI, bearer+good+" "+good), badFormat},
		{"two headers", ask(whoAmI, "Authorization: Basic eA==", bearer+good), badFormat},
		{"a space that is not HTTP's", ask(whoAmI, bearer+"\u00a0"+good), unreadable},
		{"though none is needed", ask(johnLogsIn, bearer+"x.y."), unreadable},
		{"before the body", "POST /api\n" + bearer + "x.y.\n\nno JSON", unreadable},
	}.test(t, s)
}

// A token can't be taken back: it may outlive its user, or come from the time
// before someone deleted the users' file and its ids began again with 1.
func Test2_AUserWhoIsGoneIsNull(t *testing.T) {
	s, gone := newServer(t), data(`{"me":null}`)
	s.send(ask(johnSignsUp))
	with := func(user string) string { return bearer + withClaims("{"+user+`,"exp":4e9}`) }
	exchanges{
		{"another id", ask(whoAmI, with(`"id":2,"email":"johndoe@example.com"`)), gone},
		{"another email", ask(whoAmI, with(`"id":1,"email":"jane@example.com"`)), gone},
	}.test(t, s)
}

// Someone who steals the file has hashes, each with a salt and as costly as -cost
// says. Someone who reads the log has nothing.
func Test2_PasswordsAreKeptAsHashes(t *testing.T) {
	s := newServer(t)
	s.cost, s.verbose = 5, true
	s.send(ask(johnSignsUp))
	s.send(ask(signupOf("jane", "jane@example.com", "password")))
	s.send(ask(whoAmI, bearer+s.token(johnLogsIn)))
	hashes := regexp.MustCompile(`\$2a\$05\$[^"]*`).FindAllString(readText(s.file), -1)
	if len(hashes) != 2 || hashes[0] == hashes[1] ||
		bcrypt.CompareHashAndPassword([]byte(hashes[1]), []byte("password")) != nil {
		t.Errorf("want two different hashes of one password, of cost 5: %s", readText(s.file))
	}
	if !regexp.MustCompile(`^(POST /api - 200 \S+\n){4}$`).MatchString(s.logged.String()) {
		t.Errorf("a password, a variable or a token is in the log:\n%s", s.logged)
	}
}

// bcrypt is meant to be slow. If every password were hashed at once, all would be
// late. So there is a line, and nobody stands in it longer than is of use.
func Test2_PasswordsWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := newServer(t), time.Now()
		s.send(ask(johnSignsUp))
		for range runtime.GOMAXPROCS(0) {
			s.turns <- struct{}{} // From now on, whoever needs a turn has to wait.
		}
		busy := failed("login", "1:12", "Too busy, try again later", "SERVICE_UNAVAILABLE")
		exchanges{
			{"after 10 seconds", ask(johnLogsIn), busy},
			{"at once: it needs no turn", ask(loginOf("a@b", "")), unknownEmail},
			{"at once, too", ask(johnSignsUp), takenEmail},
		}.test(t, s)
		replies := make(chan string)
		for range 2 { // Both have seen that the email is free.
			go func() { replies <- s.send(ask(signupOf("jane", "jane@b", "password"))) }()
		}
		time.Sleep(10*time.Second - 1)
		<-s.turns // Both get it, as the first gives it back.
		got := <-replies + <-replies
		if !strings.Contains(got, `{"data":{"signup":"eyJ`) || !strings.Contains(got, takenEmail) {
			t.Errorf("got %s\nwant a token, and %s", got, takenEmail)
		}
		s.token(johnLogsIn) // gives its turn back, too
		s.turns <- struct{}{}
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		for i := range 10 { // of a client that leaves
			w := httptest.NewRecorder()
			s.ServeHTTP(w, parseRequest(ask(johnLogsIn)).WithContext(ctx))
			if !strings.HasSuffix(busy, "\n\n"+w.Body.String()) {
				t.Errorf("the client left, and got %s", w.Body)
			}
			if i == 0 {
				<-s.turns // Though there is room, nothing is hashed any more.
			}
		}
		if d := time.Since(began); d != 23*time.Second-1 {
			t.Errorf("they waited %v, want 10 s, 10 s less 1 ns, and 3 s", d)
		}
	})
}

// -----------------------------------------------------------------------------
// 3 GraphQL: what a document may say, and what comes back
//
// Section numbers are those of the GraphQL specification of September 2025.
// -----------------------------------------------------------------------------

func Test3_Documents(t *testing.T) {
	s := newServer(t)
	token := bearer + s.token(johnSignsUp)
	me := data(`{"me":{"id":1}}`)
	two := `query A { a: __typename } query B { b: __typename }`
	exchanges{
		{"the shortest query (§2.4)", ask(`{me{id}}`, token), me},
		{"white space, commas, comments and a BOM mean nothing (§2.1.6)",
			ask("\uFEFF{,me#comment }\r\n{\tid,,}}", token), me},
		{"descriptions (§2.2)", ask(`"Who?" query A("by" $if: Boolean = true) {
			me { ...F } } """Mine""" fragment F on User { id @include(if: $if) }`, token), me},
		{"aliases (§2.8), __typename (§4.1)",
			ask(`{ a: me { b: id, c: id } me { __typename } }`, token),
			data(`{"a":{"b":1,"c":1},"me":{"__typename":"User"}}`)},
		{"fragments, spread and inline (§2.9)", ask(`{ me { ...A ... { username }
			... on User { email } } } fragment A on User { ...B } fragment B on User {id}`, token),
			data(`{"me":{"id":1,"username":"johndoe","email":"johndoe@example.com"}}`)},
		{"keys come in the order of the request, and fields of one key are merged (§5.3.2)",
			ask(`{ me { id } x: __typename me { email id } }`, token),
			data(`{"me":{"id":1,"email":"johndoe@example.com"},"x":"Query"}`)},
		{"many", ask(`{ me { a:id b:id c:id d:id e:id f:id g:id h:id i:id j:id b:id } }`, token),
			data(`{"me":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}}`)},
		{"in whatever order their arguments stand", ask(`mutation {
			login(email: "a", password: "\u0062") login(password: "b", email: "a") }`),
			failed("login", "2:4 2:42", "No user with that email", "UNAUTHENTICATED")},
		{"@skip and @include (§3.13): each can leave out", ask(`{ me { ...F @skip(if: true) ...F
			... @skip(if: false) @include(if: true) { x: id } y: id @include(if: false)
			id @skip(if: true) @include(if: true) } } fragment F on User { id }`, token),
			data(`{"me":{"id":1,"x":1}}`)},
		{"the operation's name (§6.1)", askFor(two, `"operationName":"B"`), data(`{"b":"Query"}`)},
		{"several, and no name", ask(two),
			invalid("Must provide operation name if query contains multiple operations.", "")},
		{"an empty name is none", askFor(`{ __typename }`, `"operationName":""`),
			invalid(`Unknown operation named "".`, "")},
	}.test(t, s)
}

// Strings reach the resolvers as the client meant them (§2.10.4).
func Test3_Strings(t *testing.T) {
	s := newServer(t)
	for i, test := range []struct{ literal, want string }{
		{`"\" \\ \/ \b \f \n \r \t."`, "\" \\ / \b \f \n \r \t."},
		{`"é\u00e9\u{E9}\u{0000E9}"`, "éééé"},
		{`"\ud83d\ude00\u{1F600}😀\u{10FFFF}\u{D7FF}"`, "😀😀😀\U0010FFFF\ud7ff"},
		{`"""\n \u0041 " "" \""" ."""`, `\n \u0041 " "" """ .`},
		{"\"\"\"first\n    a\n\n      b\r    c\r\n  \n\"\"\"", "first\na\n\n  b\nc"},
	} {
		token := s.token(fmt.Sprintf(`mutation { signup(username: %s, email: "%d@b", `+
			`password: "password") }`, test.literal, i))
		exchanges{{test.literal, ask(`{ me { username } }`, bearer+token),
			data(`{"me":{"username":` + quoted(test.want) + `}}`)}}.test(t, s)
	}
}

// Variables are JSON beside the document, so no client has to write their values into
// its text. Each has to be of its type (§6.1.2).
func Test3_Variables(t *testing.T) {
	const q = `query ($x: String!) { __type(name: $x) { name } }`
	const optional = `query ($x: String = "User") { __type(name: $x) { name } }`
	const skip = `query ($x: Boolean = true) { __typename @skip(if: $x) }`
	user := data(`{"__type":{"name":"User"}}`)
	refuse := func(message string) string { return invalid(`Variable "$x" `+message, "1:8") }
	not := func(typ, value string) string {
		return refuse("got invalid value " + value + "; " + cannotRepresent[typ] + value)
	}
	exchanges{
		{"a string; others are ignored", askWith(q, `{"x":"User","y":1e999}`), user},
		{"a default", askWith(optional, `{}`), user},
		{"a Boolean", askWith(skip, `{"x":false}`), typename},
		{"missing", askWith(q, `{}`), refuse(`of required type "String!" was not provided.`)},
		{"null", askWith(q, `{"x":null}`), refuse(`of non-null type "String!" must not be null.`)},
		{"a number too large for Go", askWith(q, `{"x":1e400}`), not("String", "1e400")},
		{"an object", askWith(q, `{"x":{"a":[1]}}`), not("String", `{"a":[1]}`)},
		{"a string for a Boolean", askWith(skip, `{"x":"<true>"}`), not("Boolean", `"<true>"`)},
	}.test(t, newServer(t))
}

// Every client can ask for the schema. GraphiQL does, to complete what one types.
func Test3_Introspection(t *testing.T) {
	s := newServer(t)
	exchanges{{"a type, and two that are none", ask(`{ __type(name: "Query") { kind isOneOf
		fields { name args { name } type { name ofType { name } } } interfaces { name } }
		a: __type(name: "Float") { name } b: __type(name: "__Meta") { name } }`),
		data(`{"__type":{"kind":"OBJECT","isOneOf":null,"fields":[{"name":"me","args":[],` +
			`"type":{"name":"User","ofType":null}}],"interfaces":[]},"a":null,"b":null}`)},
	}.test(t, s)
	all := s.send(ask(introspectionQuery)) // GraphiQL's: 15 KB, of which this is the checksum
	if sum := sha256.Sum256([]byte(all)); fmt.Sprintf("%x", sum[:4]) != "ec92aa2c" {
		t.Errorf("the whole schema is another, its sum is %x: %s", sum[:4], all)
	}
}

// Mistakes are documents that are refused: the message, and the places.
type mistakes []struct{ document, message, at string }

func (table mistakes) test(t *testing.T, prefix string) {
	for _, m := range table {
		exchanges{{"", ask(m.document), invalid(prefix+m.message, m.at)}}.test(t, newServer(t))
	}
}

// A document that can't be read is refused where the first thing is wrong. Lines
// and columns count from 1; columns are UTF-16 code units, as editors count them.
func Test3_SyntaxErrors(t *testing.T) {
	mistakes{
		{"{ me { id }", "Expected Name, found <EOF>.", "1:12"},
		{",", "Unexpected <EOF>.", "1:2"},
		{"#\n\r\r\n{ x(a: \"\"\"\n\"\"\" b: \"😀\" é", "Unexpected character: U+00E9.", "5:13"},
		{"{ x(a: 'b') }", "Unexpected single quote character ('), " +
			`did you mean to use a double quote (")?`, "1:8"},
		{"{ x(a: \"b\nc\") }", "Unterminated string.", "1:10"},
		{"{ a: -1.5e-3 }", `Expected Name, found Float "-1.5e-3".`, "1:6"},
		{`{ x(a: "\x") }`, `Invalid character escape sequence: "\x".`, "1:9"},
		{`{ x(a: "\u12G4") }`, `Invalid Unicode escape sequence: "\u12G4".`, "1:9"},
		{`{ x(a: "\ud83d\u0041") }`, `Invalid Unicode escape sequence: "\ud83d".`, "1:9"},
		{"query ($x: Int = $y) { x }", `Unexpected variable "$y" in constant value.`, "1:18"},
		{"query ($x: A @a(b: $)) { x }", `Unexpected "$".`, "1:20"},
		{"query A($x: Int = 1) x", `Expected "{", found Name "x".`, "1:22"},
		{`"a" type A { b: C }`, `Unexpected Name "type".`, "1:5"},
		{`"a" x`, "Unexpected description, only GraphQL definitions support descriptions.", "1:1"},
	}.test(t, "Syntax Error: ")
}

// A document that can be read is refused if it can't be run. The rows follow §5 from
// rule to rule; the messages are those of graphql-js.
func Test3_ValidationErrors(t *testing.T) {
	const conflict = `Fields "a" conflict because they ask for different things. ` +
		`Use different aliases on the fields to fetch both if this was intentional.`
	mistakes{
		{"subscription { x }", // §5.2
			"Schema is not configured to execute subscription operation.", "1:1"},
		{"query A { me { id } } query A { me { id } }",
			`There can be only one operation named "A".`, "1:7 1:29"},
		{"query A { me { id } } { me { id } }",
			"This anonymous operation must be the only defined operation.", "1:23"},
		{"{ me { password } }", `Cannot query field "password" on type "User".`, "1:8"}, // §5.3
		{"{ me { ...F a: id } } fragment F on User { ...G } fragment G on User { a: email }",
			conflict, "1:72 1:13"},
		{`{ a: __type(name: "A") { name } a: __type(name: "B") { name } }`, conflict, "1:3 1:33"},
		{"{ me }", `Field "me" of type "User" must have a selection of subfields.`, "1:3"},
		{"{ me { id { x } } }",
			`Field "id" must not have a selection since type "Int!" has no subfields.`, "1:11"},
		{"{ me(id: 1) { id } }", `Unknown argument "id" on field "Query.me".`, "1:6"}, // §5.4
		{`{ me { id @skip(if: true, if: true) } }`,
			`There can be only one argument named "if".`, "1:17 1:27"},
		{"{ me { id @skip } }", `Directive "@skip" argument "if" of type "Boolean!" is ` +
			`required, but it was not provided.`, "1:11"},
		{"{ me { ...F } } fragment F on User { id } fragment F on User { id }", // §5.5
			`There can be only one fragment named "F".`, "1:26 1:52"},
		{"{ me { ... on Users { id } } }", `Unknown type "Users".`, "1:15"},
		{"{ me { ...F } } fragment F on Int { id }",
			`Fragment "F" cannot condition on non composite type "Int".`, "1:31"},
		{"{ me { id } } fragment F on User { id }", `Fragment "F" is never used.`, "1:15"},
		{"{ me { ...F } }", `Unknown fragment "F".`, "1:11"},
		{"{ me { ...F } } fragment F on User { ...F }",
			`Cannot spread fragment "F" within itself.`, "1:38"},
		{"{ me { ...F } } fragment F on Query { __typename }", `Fragment "F" cannot ` +
			`be spread here as objects of type "User" can never be of type "Query".`, "1:8"},
		{"{ __type(name: [{a: A}, $x]) { name } }", // §5.6
			"String cannot represent a non string value: [{a: A}, $x]", "1:16"},
		{`{ me { id @skip(if: "\u2028\\u2028") } }`,
			"Boolean cannot represent a non boolean value: \"\u2028\\\\u2028\"", "1:21"},
		{"{ me { id @a } }", `Unknown directive "@a".`, "1:11"}, // §5.7
		{"query @skip(if: true) { me { id } }",
			`Directive "@skip" may not be used on QUERY.`, "1:7"},
		{"{ me { id @skip(if: true) @skip(if: true) } }",
			`The directive "@skip" can only be used once at this location.`, "1:11 1:27"},
		{"query ($x: Boolean!, $x: Boolean!) { __typename @skip(if: $x) }", // §5.8
			`There can be only one variable named "$x".`, "1:9 1:23"},
		{"query ($x: [User]) { me { id } }",
			`Variable "$x" cannot be non-input type "[User]".`, "1:12"},
		{"{ __typename @skip(if: $x) }", `Variable "$x" is not defined.`, "1:24 1:1"},
		{"query ($x: Int) { me { id } }", `Variable "$x" is never used.`, "1:8"},
		{"query ($x: Boolean = null) { __typename @skip(if: $x) }",
			`Variable "$x" of type "Boolean" used in position expecting type "Boolean!".`,
			"1:8 1:51"},
	}.test(t, "")
}

// A field that fails is null, the others are not. Its error has places and a path (§7.1.6).
func Test3_FieldErrors(t *testing.T) {
	const me, code = "You are not authenticated!", `,"extensions":{"code":"UNAUTHENTICATED"}}`
	of := func(message, at, key string) string {
		return strings.TrimSuffix(errorAt(message, at, key), "}") + code
	}
	exchanges{
		{"two fields, one of them twice", ask("{ a: me { id } b: me { id }\n  a: me { email } }"),
			replied(`{"errors":[` + of(me, "1:3 2:3", "a") + `,` + of(me, "1:16", "b") +
				`],"data":{"a":null,"b":null}}`)},
		{"a mutation goes on after an error",
			ask(`mutation { login(email: "a@b", password: "") b: __typename }`),
			replied(`{"errors":[` + of("No user with that email", "1:12", "login") +
				`],"data":{"login":null,"b":"Mutation"}}`)},
	}.test(t, newServer(t))
}

// The first thing a class does is to add a field. A bad schema is refused at the start.
func Test3_ASchemaThatGrows(t *testing.T) {
	const query = "type Query { page(number: Int = 1, x: Boolean! = false): Page pages: [Page!] }"
	const typeDefs = query + ` enum Kind { OLD NEW }
		"A part." type Page { number: Int! kinds: [Kind!]! next: Page total: Int! ok: Boolean }`
	page := func(_ context.Context, args map[string]any) (any, error) {
		number, isInt := args["number"].(int)
		next := object{"kinds": []any{"NEW", "UNKNOWN"}}
		return object{"number": number, "kinds": []any{"OLD"}, "ok": isInt, "next": next}, nil
	}
	resolvers := map[string]resolver{"Query.page": page, "Query.pages": page}
	s := newServer(t)
	s.schema, _ = newSchema(typeDefs, resolvers)
	const byVariable = `query ($n: Int) { page(number: $n) { number ok } }`
	failure := func(data, message, at string, path ...any) string {
		return replied(`{"errors":[` + errorAt(message, at, path...) + `],"data":` + data + `}`)
	}
	exchanges{
		{"enums, a description", ask(`{ page { kinds } __type(name: "Page") { description } }`),
			data(`{"page":{"kinds":["OLD"]},"__type":{"description":"A part."}}`)},
		{"too large", ask(`{ page(number: 2147483648) { number } }`),
			invalid("Int cannot represent non 32-bit signed integer value: 2147483648", "1:16")},
		{"JSON", askWith(byVariable, `{"n":1e2}`), data(`{"page":{"number":100,"ok":true}}`)},
		{"a fraction", askWith(byVariable, `{"n":1.5}`), invalid(`Variable "$n" got invalid `+
			`value 1.5; Int cannot represent non-integer value: 1.5`, "1:8")},
		{"null", askWith(byVariable, `{"n":null}`), data(`{"page":{"number":0,"ok":false}}`)},
		{"left out", askWith(byVariable, `{}`), data(`{"page":{"number":1,"ok":true}}`)},
		{"null makes null of what is around it", ask(`{ page { next { number } } }`),
			failure(`{"page":{"next":null}}`, "Cannot return null for non-nullable field "+
				"Page.number.", "1:17", "page", "next", "number")},
		{"no value of the enum", ask(`{ page { number next { kinds } } }`), failure(
			`{"page":{"number":1,"next":null}}`, `Expected a value of type "Kind!" for field `+
				`Page.kinds.`, "1:24", "page", "next", "kinds", 1)},
	}.test(t, s)
	const types = " type Page { a: Int } "
	for _, row := range []struct{ typeDefs, want string }{
		{"type A {\n b: ?", "line 2: Syntax Error: Unexpected character"},
		{"union A = B", "union A can't be served"},
		{"type A implements B { c: A }", "type A can't be served"},
		{"{ page }", "it can have types and enums, and nothing else"},
		{types, "there is no type Query"},
		{"type Query { page: Int }", "there is a resolver for Query.pages, which is no field"},
		{query, "Query.page is of type Page, which is not defined"},
		{query + types + "scalar Date", "Date is defined twice, or a scalar"},
		{query + types + "type A { b c: Int }", "A.b: a field has a type"},
		{query + types + "type A { b(x: [Int]): Int }", "A.b(x:): an argument must be an Int"},
		{query + types + "type A { b(x: Int = 1.5): Int }", "A.b(x:): Int cannot represent non-"},
		{query + types + "type Mutation { a: Int }", "Mutation.a has no resolver"},
	} {
		_, err := newSchema(row.typeDefs, resolvers)
		if err == nil || !strings.HasPrefix(err.Error(), "schema: "+row.want) {
			t.Errorf("newSchema(%s): %v, want schema: %s", row.typeDefs, err, row.want)
		}
	}
}

// A request of a few bytes must not cost much, nor one of 100 KiB, of whatever shape. Each
// of the later rows once stopped a server, this one or another.
func Test3_WhatOneRequestMayCost(t *testing.T) {
	const tooDeep = "Syntax Error: Nested more than 200 levels deep."
	const nobody, login = "You are not authenticated!", ` a%d: login(email: "", password: "")`
	repeat := func(n int, format string) string { // with each number in place of %d
		texts := make([]string, n)
		for i := range texts {
			texts[i] = strings.ReplaceAll(format, "%d", strconv.Itoa(i))
		}
		return strings.Join(texts, "")
	}
	nested := "{ __schema { types " + strings.Repeat("{ ofType ", 197)
	inRow, doubling, long := "", "", strings.Repeat("k", 90_000)
	for i := range 1200 {
		inRow = fmt.Sprintf(" fragment F%d on User { ...F%d }", i+1, i) + inRow
		doubling = fmt.Sprintf(" fragment F%d on User { ...F%d ...F%[2]d }", i+1, i) + doubling
	}
	s := newServer(t)
	for _, row := range []struct{ name, document, want string }{
		{"sets 200 deep", nested + "{ name }" + strings.Repeat(" }", 199), `{"data":`},
		{"sets 201 deep", nested + "{ ofType { name }", tooDeep},
		{"sets, a list, objects: counted together",
			"{ a { b(c: " + strings.Repeat("[", 99) + strings.Repeat("{d:", 100), tooDeep},
		{"10 logins", "mutation {__typename" + repeat(10, login) + " }", "No user with that email"},
		{"11 logins", "mutation {" + repeat(11, login) + " }",
			"At most 10 signup and login fields in one operation"},
		{"10,000 fields", "{ me {" + repeat(9_999, " id") + " } }", nobody},
		{"10,001 fields", "{ me {" + repeat(10_000, " id") + " } }", tooManyFields},
		{"with arguments", "{ me { x" + repeat(3_333, " id @a(b: 1)") + " } }", tooManyFields},
		{"10,001 by way of fragments", "{ __typename" + repeat(10, " a%d: me { ...F }") +
			" } fragment F on User {" + repeat(998, " id") + " }", tooManyFields},
		{"100 operations that share a fragment", repeat(100, "query Q%d { me { ...F } }") +
			"fragment F on User {" + repeat(100, " id") + " }", tooManyFields},
		{"fragments that double 1,200 times",
			"{ me { ...F1200 } } fragment F0 on User { id }" + doubling, tooManyFields},
		{"a cycle of 1,200", "{ me { ...F1200 } } fragment F0 on User { ...F1200 }" + inRow,
			`Cannot spread fragment "F0" within itself via "F1200", "F1199"`},
		{"a thousand aliases at each of many types", "{ __schema { types {" +
			repeat(1000, " a%d: fields { name type { kind name } }") + " } } }",
			"The reply is too large: at most 1 MiB"},
		{"6,000 unused variables", "query " + long[:30_000] + "(" + repeat(6_000, "$a%d:Int ") +
			"){__typename}", `Variable "$a0" is never used in operation "` + long[:200] + `…".`},
		{"types 190 deep", "query (" + repeat(250, "$x%d:"+strings.Repeat("[", 190)+"User"+
			strings.Repeat("]", 190)) + ") { x }", `Variable "$x0" cannot be non-input type "`},
		{"merged 4,900 times, after a long comment", "#" + long[:50_000] + "\n{" +
			repeat(4_900, " me{id}") + " }", nobody},
		{"null 1,500 times", "query ($x: Boolean = true) {" +
			repeat(1_500, ` a%d: __type(name: "Int") { name @skip(if: $x) }`) + " }",
			`Argument "if" of non-null type "Boolean!" must not be null.`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, body, _ := strings.Cut(s.send(askWith(row.document, `{"x":null}`)), "\n\n")
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		errors, allocated := strings.Count(body, `"message":`), after.TotalAlloc-before.TotalAlloc
		got := strings.TrimPrefix(strings.ReplaceAll(body, `\"`, `"`), `{"errors":[{"message":"`)
		if !strings.HasPrefix(got, row.want) || errors > 100 || len(body) > 1<<20 ||
			allocated > 64<<20 || took > 3*time.Second {
			t.Errorf("%s: %d errors, %d bytes, %d of memory, %v\n got %.300s\nwant %s",
				row.name, errors, len(body), allocated, took, got, row.want)
		}
	}
}

// -----------------------------------------------------------------------------
// 4 HTTP: GraphQL over HTTP, and what else a browser or an attacker may send
// -----------------------------------------------------------------------------

var typename = data(`{"__typename":"Query"}`)

// A GET can be sent by a link on any page, so it changes nothing.
func Test4_Methods(t *testing.T) {
	const get = "GET /api?query={__typename}"
	onlyPost := refused(405, "Use POST for mutations", "Allow: POST")
	unreadable := refused(400, "The query of the URL can't be read")
	notFound := refused(404, "Not found: GraphQL is at /api")
	all := url.Values{"query": {"query Q($n: String!) { __type(name: $n) { name } }"},
		"variables": {`{"n":"Int"}`}, "operationName": {"Q"}, "extensions": {"null"}}
	exchanges{
		{"GET", "GET /api?" + all.Encode() + "\n\n", data(`{"__type":{"name":"Int"}}`)},
		{"in a browser", get + "\nAccept: text/html,*/*;q=0.8\n\n", typename},
		{"GET, a mutation", "GET /api?query=mutation{__typename}\n\n", onlyPost},
		{"not UTF-8", "GET /api?query=%ff\n\n", unreadable},
		{"PUT", "PUT /api\n\n",
			refused(405, "Use POST, or GET for queries", "Allow: GET, HEAD, POST, OPTIONS")},
		{"another path", "POST /\n\n", notFound},
		{"the root leads here", "GET /\n\n", "302 Found\nLocation: /api\n\n"},
	}.test(t, newServer(t))
}

// application/json came first: it is the default, and has status 200 even for a
// document that is refused. application/graphql-response+json tells them apart.
func Test4_ContentTypes(t *testing.T) {
	const json, graphqlJSON = "application/json", "application/graphql-response+json"
	plain := invalid("Syntax Error: Expected Name, found <EOF>.", "1:2")
	graphql := strings.NewReplacer("200 OK", "400 Bad Request", json, graphqlJSON).Replace(plain)
	s := newServer(t)
	for accept, want := range map[string]string{
		"application/*": plain,
		"text/html":     refused(406, "Accept "+graphqlJSON+" or "+json),
		graphqlJSON + ";q=0.8, " + json + ";q=0.9":        plain,
		json + ", " + graphqlJSON:                         plain, // the first of equals
		graphqlJSON + ", " + json + ", text/event-stream": graphql,
		json + ";q=0, */*":                                graphql,
		"*/*, " + graphqlJSON + ";q=0.5":                  plain,
	} {
		exchanges{{accept, ask("{", "Accept: "+accept), want}}.test(t, s)
	}
	exchanges{{"executed", ask("{ __typename }", "Accept: "+graphqlJSON),
		strings.Replace(typename, json, graphqlJSON, 1)}}.test(t, s)
}

// What is not a request of GraphQL is refused before any of it is executed.
func Test4_Refusals(t *testing.T) {
	const typed = "POST /api\nContent-Type: application/json"
	const post, body = typed + "\n\n", `{"query":"{ __typename }"}`
	tooLarge := refused(413, "A request may have 100 KiB at most")
	tooMuch := refused(431, "The headers may have 64 KiB at most", "Connection: close")
	notJSON := refused(415, "Send application/json in UTF-8, not encoded further")
	notObject := refused(400, "The body must be a JSON object in UTF-8")
	noQuery := refused(400, "query must be a string")
	badMember := refused(400, "operationName must be a string, variables and extensions objects")
	spaces := strings.Repeat(" ", 102_400-len(body))
	url := "GET /api?query={__typename}" + strings.Repeat(",", 102_400-len("{__typename}"))
	header := typed + "\nX: " + strings.Repeat("x", 65_536-37)
	s := newServer(t)
	exchanges{
		{"100 KiB", post + body + spaces, typename},
		{"a byte more", post + body + spaces + " ", tooLarge},
		{"a URL's query of 100 KiB", url + "\n\n", typename},
		{"a byte more", url + "&x=x\n\n", tooLarge},
		{"headers of 64 KiB", header + "\n\n" + body, typename},
		{"a byte more", header + "x\n\n" + body, tooMuch},
		{"a form of another page", "POST /api\nContent-Type: text/plain\n\n" + body, notJSON},
		{"compressed", typed + "\nContent-Encoding: gzip\n\n" + body, notJSON},
		{"a batch", post + "[" + body + "]", notObject},
		{"not UTF-8", post + "{\"query\":\"{ __typename } #\xff\"}", notObject},
		{"another case", post + `{"Query":"{ __typename }"}`, noQuery},
		{"a query that is no string", post + `{"query":null}`, noQuery},
		{"a bad operationName", post + `{"query":"","operationName":1}`, badMember},
		{"bad variables", post + `{"query":"","variables":[]}`, badMember},
	}.test(t, s)
	r, endless := parseRequest(post), strings.NewReader(strings.Repeat("x", 1<<20))
	r.Body = io.NopCloser(endless)
	s.ServeHTTP(httptest.NewRecorder(), r)
	if read := 1<<20 - endless.Len(); read > 102_401 {
		t.Errorf("%d bytes of an endless body were read", read)
	}
}

// Any page may call. A browser sends no cookie that would speak for its user, and a
// token is the page's own. Before it sends a JSON body or a token, it asks (a preflight).
func Test4_CORS(t *testing.T) {
	w := httptest.NewRecorder() // send leaves out what every reply has
	newServer(t).ServeHTTP(w, parseRequest("OPTIONS /api\nOrigin: https://example.com\n\n"))
	want := "204 map[Access-Control-Allow-Headers:[Authorization, *] " +
		"Access-Control-Allow-Methods:[GET, POST] Access-Control-Allow-Origin:[*] " +
		"Access-Control-Expose-Headers:[WWW-Authenticate] Access-Control-Max-Age:[7200] " +
		"Cache-Control:[no-store] Vary:[Accept] X-Content-Type-Options:[nosniff]]"
	if got := fmt.Sprint(w.Code, " ", w.Header()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The page shows tokens and secrets. Its policy lets it talk to this server alone,
// and run nothing but what stands in it. What it says of the checks is in jwt.go.
func Test4_ThePageLoadsNothing(t *testing.T) {
	hash := func(tag string) string {
		text := regexp.MustCompile("(?s)<" + tag + ">(.*)</" + tag).FindStringSubmatch(page)[1]
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "200 OK\nContent-Security-Policy: default-src 'none'; script-src " + hash("script") +
		"; style-src " + hash("style") + "; connect-src 'self'; img-src data:; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'\n" +
		"Content-Type: text/html; charset=utf-8\nReferrer-Policy: no-referrer\n\n" + page
	exchanges{{"HEAD", "HEAD /api\nAccept: text/html,*/*;q=0.8\n\n", want}}.test(t, newServer(t))
	loads := regexp.MustCompile(`(src|href)="[^"]+|url\(|@import|innerHTML|Storage|cookie`)
	if got := loads.FindAllString(page, -1); len(got) != 1 || got[0] != `href="data:,` {
		t.Errorf("the page has %q", got)
	}
	list := ""
	for _, c := range checks {
		messages := strings.ReplaceAll(fmt.Sprint(errors.Join(c.refusals...)), "\n", "” or “")
		list += c.name + c.meaning + c.section + "else “" + messages + "”"
	}
	words := regexp.MustCompile(`<[^>]*>|\n *`).ReplaceAllString(page, "")
	if !strings.Contains(html.UnescapeString(words), list) {
		t.Errorf("the page does not list %s", list)
	}
}

// A connection costs memory. A client that is slow, or silent, has to give it back.
func Test4_SlowClientsAreCutOff(t *testing.T) {
	s := newHTTPServer(nil)
	got := fmt.Sprint("headers ", s.ReadHeaderTimeout, ", request ", s.ReadTimeout,
		", reply ", s.WriteTimeout, ", idle ", s.IdleTimeout, ", ", s.MaxHeaderBytes, " bytes")
	if want := "headers 10s, request 30s, reply 3m0s, idle 2m0s, 372736 bytes"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The log is read in terminals: nothing in it can drive one, or look like another
// line. And -v gives nobody a secret.
func Test4_TheLogHasNoClientsText(t *testing.T) {
	s := newServer(t)
	s.send(ask(`query WithoutV { me { id } }`))
	s.verbose = true
	s.send(ask(`query Who { me { id } }`))
	s.send(ask("{", "Authorization: Bearer \x1b[31m"))
	s.send("DELETE /%0a%1b%5b31m\xff" + strings.Repeat("x", 200) + "?token=x\n\n")
	want := "POST /api Who 200 T\nPOST /api - 401 T\n" +
		"DELETE /%0A%1B%5B31m%FF" + strings.Repeat("x", 83) + " - 404 T\n"
	got := regexp.MustCompile(`[\d.]+[µm]?s\n`).ReplaceAllString(s.logged.String(), "T\n")
	if got != want {
		t.Errorf("the log:\n got %q\nwant %q", got, want)
	}
}

// -----------------------------------------------------------------------------
// 5 The users' file
//
// Users are kept in a text file, one a line, which is only appended to. Whoever was
// told that a sign-up is saved finds it there, whatever happens to the process or
// the disk, and however many servers share the file.
// -----------------------------------------------------------------------------

const someHash = "$2a$04$GGCPKbm9SxbUr1Ah6Qyfx.vUWz0T2rY7xcR7FpR9kb54nsOeAl/EO"

// userLine is a line of the file: userLine(1, "ann") has ann@example.com.
func userLine(id int, name string) string {
	return fmt.Sprintf(`{"id":%d,"username":"%s","email":"%[2]s@example.com","password":"%s",`+
		`"createdAt":"2026-11-23T16:01:02Z"}`+"\n", id, name, someHash)
}

func writeUsersFile(text string) { os.WriteFile("users.jsonl", []byte(text), 0o600) }

// openUsers opens a store on the file users.jsonl; logged is what it has to say.
func openUsers(t testing.TB) (s *store, logged *bytes.Buffer) {
	logged = new(bytes.Buffer)
	s, err := openStore("users.jsonl", log.New(logged, "", 0))
	if err != nil {
		t.Fatalf("openStore: %v, of\n%s", err, readText("users.jsonl"))
	}
	t.Cleanup(func() { s.close() })
	return s, logged
}

// usersOf lists the users of a store: "1 ann 7 bob".
func usersOf(s *store) (list string) {
	for _, u := range s.users {
		list += fmt.Sprintf(" %d %s", u.ID, u.Username)
	}
	return strings.TrimSpace(list)
}

// signUp saves a user under a hash of its own, as bcrypt's salt makes it.
func signUp(s *store, name string) (user, error) {
	return s.add(name, name+"@example.com", someHash[:60-len(name)]+name)
}

// opens opens a store on a file, lets cy sign up too, and compares what the store logs
// and its users, or the error, with a regular expression. The file keeps what it had.
func opens(t *testing.T, text, want string) {
	writeUsersFile(text)
	var logged bytes.Buffer
	s, err := openStore("users.jsonl", log.New(&logged, "", 0))
	got, file := fmt.Sprint(err), readText("users.jsonl")
	if err == nil {
		defer s.close()
		signUp(s, "cy")
		again, _ := openUsers(t)
		got = logged.String() + usersOf(again)
	}
	isKept := file == text && strings.HasPrefix(readText("users.jsonl"), text)
	if !regexp.MustCompile("^(?:"+want+")$").MatchString(got) || !isKept {
		t.Errorf("%q\n got %s\nwant %s, and that the file is kept: %t", text, got, want, isKept)
	}
}

// A hookedFile asks before it does anything. A cut is what then happens instead.
type hookedFile struct {
	usersFile
	before func(op string) error
}

type cut int                // how many bytes a write lacks
func (c cut) Error() string { return "no space left on device" }

func (f hookedFile) Write(b []byte) (int, error) {
	err := f.before("write")
	lost, _ := err.(cut)
	n, _ := f.usersFile.Write(b[:len(b)-int(lost)])
	return n, err
}

func (f hookedFile) Sync() error { return f.before("sync") } // A real one is slow.

// A person can read the file, and write in it with an editor of any system.
func Test5_OneUserALine(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := openUsers(t)
	s.add(`"<Jo & 李>`, "Jo@example.com", someHash)
	const want = `-rw------- {"id":1,"username":"\\"<Jo & 李>","email":"Jo@example.com",` +
		`"password":"\$2a\$04\$GGCP.{49}","createdAt":"20..-..-..T..:..:..Z"}\n`
	info, _ := os.Stat("users.jsonl")
	got := fmt.Sprint(info.Mode(), " ", readText("users.jsonl"))
	got = strings.Replace(got, "-rw-rw-rw-", "-rw-------", 1) // as Windows has it
	if !regexp.MustCompile("^" + want + "$").MatchString(got) {
		t.Errorf("the file is\n%swant\n%s", got, want)
	}

	ann, bob := userLine(1, "ann"), userLine(7, "bob")
	for _, text := range []string{
		"\ufeff" + strings.ReplaceAll(ann+bob, "\n", "\r\n"),          // as Notepad has it
		"\x00\n" + ann + " \t\r\n\n\x00" + bob + "\n  ",               // as a power cut leaves NULs
		ann + `{"username" : "\u0062ob","phone":[],"id":7` + bob[24:], // by another program
		strings.Replace(ann, "2a$04", "2b$16", 1) + // another program's, and no last newline
			strings.NewReplacer("2a", "2y", "Z", ".5-23:59", "\n", "").Replace(bob),
		ann + strings.Replace(bob, "@", ".!#$%&'*+/=?^_`{|}~-Z@x."+strings.Repeat("C-9x", 14), 1),
	} {
		opens(t, text, "1 ann 7 bob 8 cy")
	}
	opens(t, userLine(1<<31-1, "zoe"), "saving a user: id is not an integer .*\n2147483647 zoe")
}

// Until the disk has it, a sign-up is not answered, and nobody sees the user; meanwhile,
// look-ups don't wait. What another server writes during a sync waits for the next one.
func Test5_AnsweredOnlyWhenOnDisk(t *testing.T) {
	s := newServer(t)
	file, got, cy := s.store.file, "", userLine(2, "cy")
	s.store.file = hookedFile{file, func(op string) error {
		s.store.byEmail("nobody")
		got += op + ": " + usersOf(s.store) + ", "
		if op == "sync" {
			n, _ := file.Write([]byte(cy[:min(len(cy), 100)]))
			cy = cy[n:]
		}
		return nil
	}}
	_, err := signUp(s.store, "ann")
	got += fmt.Sprint(err, ": ", usersOf(s.store), s.logged)
	if want := "write: , sync: , sync: 1 ann, sync: 1 ann, <nil>: 1 ann 2 cy"; got != want {
		t.Errorf("the steps are\n%s, want\n%s", got, want)
	}
}

// What a crash leaves of a line counts for nothing: nobody was told that it is
// saved. It stays where it is, and the next user gets a line of their own.
func Test5_ACrashCostsAtMostTheLastLine(t *testing.T) {
	t.Chdir(t.TempDir())
	ann, bob := userLine(1, "ann"), strings.Replace(userLine(2, "bob"), "bob", `b\"é`, 1)
	for cut := 1; cut < len(bob)-1; cut++ {
		opens(t, ann+bob[:cut], "users.jsonl:2: the line ends too early: .*\n1 ann 2 cy")
	}
	opens(t, ann+bob[:len(bob)-1], `1 ann 2 b"é 3 cy`) // All but its newline is there.
}

// A line that no server wrote is a mistake. A person has to look, so it stays as it is.
func Test5_ADamagedFileIsLeftAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	dan, bob := "\n"+userLine(2, "dan")+`{"id"`+"\n", userLine(3, "bob")
	for want, damages := range map[string][]string{ // what, below a torn line, becomes of bob's
		"not a user: .*":                            {"→x", "→[", "}→}{", "11-23→11-31"},
		"not a JSON object in UTF-8":                {"bob→b\xffb", bob + "→null"},
		"id is not an integer from 1 to 2147483647": {`"id":3,→`, ":3→:0", ":3→:2147483648"},
		"username has white space around it":        {`bob"→bob\u2003"`},
		"Invalid email address": {"bob@→@", "@→", "@→@a@", "b@→é@", "b@→[@", "@→@-",
			"@→@a-.", "@→@.", "@→@_", "@→@x" + strings.Repeat("x", 63) + "."},
		"id 1 is not above the .*": {":3→:1"}, "Username must not be empty": {`"bob"→null`},
		"email already in use": {"bob@→DAN@"}, "createdAt is missing": {"createdAt→created"},
		"password is not a bcrypt hash of cost 4 to 16": {"EO→E", "$2a→$2x", "a$→a.",
			"4$→4.", "$04→$+4", "04→03", "04→17", "$GG→$*G"},
	} {
		for _, damage := range damages {
			old, becomes, _ := strings.Cut(damage, "→")
			opens(t, dan+strings.Replace(bob, old, becomes, 1), "users.jsonl:4: "+want)
		}
	}
}

// When the disk fails, so does the sign-up; the cause is for the log. Later ones go
// well, unless nobody can tell any more what is on disk: then no password is hashed.
func Test5_AFullDiskFailsOneSignUp(t *testing.T) {
	const full, stop = "saving a user: no space left on device\n", "; no more users .*\n1 johndoe"
	var s *server
	notSaved := failed("signup", "1:12", "Could not save the user", "INTERNAL_SERVER_ERROR")
	faults := map[string]error{}
	write := func(text string) { s.cost = 32; os.WriteFile(s.file, []byte(text), 0o600) }
	for want, happens := range map[string]func(){ // the log, and who is there after another try
		full + "FILE:2: the line ends .*\n1 johndoe 2 cydoe": func() { faults["write"] = cut(100) },
		// Nobody can tell this user from one who was answered, so both count.
		full + "1 johndoe 2 janedoe 3 cydoe":            func() { faults["write"] = cut(1) },
		"(hashing a password: .*\n){2}1 johndoe":        func() { s.cost = 32 },
		"syncing FILE: no space .*" + stop:              func() { faults["sync"] = cut(0) },
		"FILE: the file is shorter than it was" + stop:  func() { write("") },
		"FILE:2: not a user: .*" + stop:                 func() { write(readText(s.file) + "x\n") },
		"stat FILE: no such .*" + stop:                  func() { os.Remove(s.file) },
		"FILE: another file has taken its place" + stop: func() { os.Remove(s.file); write("") },
	} {
		if runtime.GOOS == "windows" && regexp.MustCompile("stat F|another").MatchString(want) {
			continue // It lets nobody remove an open file.
		}
		s = newServer(t)
		s.send(ask(johnSignsUp))
		s.store.file = hookedFile{s.store.file, func(op string) error { return faults[op] }}
		happens()
		exchanges{{want, ask(strings.ReplaceAll(johnSignsUp, "john", "jane")), notSaved}}.test(t, s)
		clear(faults)
		s.send(ask(strings.ReplaceAll(johnSignsUp, "john", "cy")))
		got := strings.ReplaceAll(s.logged.String()+usersOf(s.store), s.file, "FILE")
		if !regexp.MustCompile("^(?:" + want + ")$").MatchString(got) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Of sign-ups that race for an email, one wins.
func Test5_OneEmailOneUser(t *testing.T) { inEveryOrder(t, 1, "anz", "ANZ") }

// Whoever was told so is in the file, under an id that nobody else has.
func Test5_ServersShareIt(t *testing.T) {
	inEveryOrder(t, 2, "ann", "bob")
	opens(t, userLine(1, "ann")+userLine(1, "bob"),
		".*:2: another server came first with id 1: this line counts for nothing\n1 ann 2 cy")
}

// inEveryOrder lets two servers take the steps of a sign-up in every order (bit i says
// who takes step i), and kills each before any of them, in the middle of a write too.
func inEveryOrder(t *testing.T, most int, names ...string) {
	t.Chdir(t.TempDir())
	for order := range 1 << 9 {
		writeUsersFile("")
		reader, _ := openUsers(t)
		var saved []string
		var step, kill = [2]func() (string, bool){}, [2]func(){}
		for i, name := range names {
			step[i], kill[i] = iter.Pull(func(yield func(string) bool) {
				s, _ := openUsers(t)
				isAlive := yield("open")
				s.file = hookedFile{s.file, func(op string) error {
					if isAlive = isAlive && yield(op); isAlive {
						return nil
					}
					return cut(order >> 8 * 100)
				}}
				if u, err := signUp(s, name); err == nil && isAlive {
					saved = append(saved, fmt.Sprint(u.ID, " ", name))
				}
			})
		}
		for i := range 8 {
			step[order>>i&1]()
		}
		kill[0]()
		kill[1]()
		_, found := reader.byEmail(names[0] + "@example.com") // A look-up that misses reads on.
		slices.Sort(saved)
		users := usersOf(reader)
		isThere := strings.Contains(strings.ToLower(users), names[0])
		if !strings.Contains(users, strings.Join(saved, " ")) || len(reader.users) > most ||
			found != isThere {
			t.Errorf("order %09b: saved %q, there are %s", order, saved, users)
		}
	}
}

// -----------------------------------------------------------------------------
// 6 The program
// -----------------------------------------------------------------------------

// A flag wins over the environment, that over .env, and that over the default.
func Test6_Settings(t *testing.T) {
	const file = "\ufeffJWT_SECRET='of the # file' # a comment\r\nPORT=4000\r\nOTHER=x\r\n"
	t.Chdir(t.TempDir())
	for _, test := range []struct{ args, port, secret, file, want string }{
		{"", "", "", "", "{localhost:3000 users.jsonl 10 0 false }"},
		{"-addr :1 -data x -cost 4 -ttl 1s -v", "", "", "", "{:1 x 4 1000000000 true }"},
		{"", "", "", file, "{:4000 users.jsonl 10 0 false of the # file}"},
		{"-addr h:65535", "2", "x", file, "{h:65535 users.jsonl 10 0 false x}"},
	} {
		t.Setenv("PORT", test.port)
		t.Setenv("JWT_SECRET", test.secret)
		os.WriteFile(".env", []byte(test.file), 0o600)
		env, _ := environment()
		got := fmt.Sprint(readSettings(strings.Fields(test.args), env, io.Discard))
		if got != test.want+" <nil>" {
			t.Errorf("%q\n got %s", test, got)
		}
	}
	// The lines of .env are those of a shell, as far as they assign constants.
	for line, want := range map[string]string{
		"\t export\tA = x y \r": "x y", "A=x#y": "x#y", "A=#x": "#x", "A= # x": "", "A=\nx": "",
		"A=x\t# y # z": "x", "#A=x": "", `A="x # y" # z`: "x # y", `A="x`: `"x`, `A="x"y`: `"x"y`,
		`A='"x" $B \n'`: `"x" $B \n`, "A=x=y": "x=y", "A=x\nA=y\nB=z\n# A=z\nA z\n": "y",
	} {
		if got := dotEnv(line)["A"]; got != want {
			t.Errorf("%q: A is %q, want %q", line, got, want)
		}
	}
}

// A program that starts with other settings than you meant is worse than one that
// doesn't start.
func Test6_BadSettings(t *testing.T) {
	other := httptest.NewServer(nil)
	defer other.Close()
	t.Chdir(t.TempDir())
	t.Setenv("PORT", "65536")
	writeUsersFile(userLine(1, "ann") + userLine(2, "ann"))
	test := func(args, want string) {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), strings.Split(args, " "), nil, &stdout, &stderr)
		got := fmt.Sprint(status, strings.Count(stdout.String(), "\n  -"), " ", &stderr)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", args, got, want)
		}
	}
	const bad, help = "2 0 graphql-jwt-auth: ", " (-h explains the flags)\n"
	const at = ": -addr must be host:port, such as localhost:3000, " +
		"and PORT a number from 0 to 65535\n"
	test("-h", "0 5 ") // five flags
	test("token -h", "0 5 ")
	test("-cost 17", bad+"-cost 17: must be from 4 to 16\n")
	test("-ttl 999ms", bad+"-ttl 999ms: must be a second or more, such as 30s\n")
	test("-v", bad+`can't listen on ":65536"`+at)
	test("serve", bad+`unexpected argument "serve"`+help)
	test("-a\r\n", bad+`flag provided but not defined: -a\r\n`+help) // one line of the log
	test("-addr localhost:0", "1 0 graphql-jwt-auth: users.jsonl:2: email already in use\n")
	test("-addr "+other.URL[7:], "1 0 graphql-jwt-auth: listen tcp "+other.URL[7:]+
		": bind: address already in use (-addr or PORT can name another)\n")
	os.Mkdir(".env", 0o700)
	test("-v", bad+"read .env: is a directory (make it a file that can be read, or remove it)\n")
}

// The log says how to reach the service, and how it could be abused.
func Test6_Warnings(t *testing.T) {
	const good = "32 bytes that nobody else knows."
	const here = "serving http://localhost:3000/api, with 0 users from users.jsonl\n"
	const known = "warning: everybody knows this JWT_SECRET: anyone can log in as anyone\n"
	const open = "other machines can reach this one (with -addr localhost:3000 they can't)\n"
	for _, test := range []struct{ secret, addr, ip, want string }{
		{good, "localhost:0", "127.0.0.1", here},
		{"", "localhost:0", "::1",
			"warning: no JWT_SECRET, so a random one: its tokens end with this process\n" + here},
		{good[:31], "localhost:0", "::1",
			"warning: JWT_SECRET is shorter than 32 bytes (RFC 7518 §3.2): it can be guessed\n" +
				here},
		{"somereallylongsecretkey", "localhost:0", "::1", known + here},
		{"secret", "localhost:0", "::1", known + here},
		{good, ":0", "::", open + here},
		{good, "[fe80::1]:0", "fe80::1", open + strings.Replace(here, "localhost", "[fe80::1]", 1)},
	} {
		var logged bytes.Buffer
		announce(settings{secret: test.secret, addr: test.addr, data: "users.jsonl"},
			&net.TCPAddr{IP: net.ParseIP(test.ip), Port: 3000}, 0, log.New(&logged, "", 0))
		if logged.String() != test.want {
			t.Errorf("%s at %s:\n got %s\nwant %s", test.secret, test.addr, &logged, test.want)
		}
	}
}

// A signal lets those finish who are being served, for 10 s; a second signal ends that.
func Test6_StartsAndStops(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that a program could send to another")
	}
	t.Chdir(t.TempDir())
	const body = `{"query":"{__typename}"}`
	const head = "POST /api HTTP/1.1\nHost: x\nConnection: close\nExpect: 100-continue\n" +
		"Content-Type: application/json\nContent-Length: 24\n\n"
	program := exec.CommandContext(t.Context(), os.Args[0], "-addr", "localhost:0")
	program.Env = append(os.Environ(), "RUN_THE_PROGRAM=1", "JWT_SECRET="+strings.Repeat("x", 32))
	stderr, _ := program.StderrPipe()
	program.Start()
	serving, _ := bufio.NewReader(stderr).ReadString('\n')
	host := regexp.MustCompile(`localhost:\d+`).FindString(serving)
	var conns []net.Conn
	for _, ip := range []string{"localhost", "127.0.0.1", "[::1]"} { // Some clients try only one.
		if probe, err := net.Listen("tcp", ip+":0"); err == nil {
			probe.Close()
			conn, err := net.Dial("tcp", strings.Replace(host, "localhost", ip, 1))
			if err != nil {
				t.Fatal(serving, err)
			}
			io.WriteString(conn, head)
			conn.Read(make([]byte, 25)) // 100 Continue: the program waits for the body.
			conns = append(conns, conn)
		}
	}
	program.Process.Signal(os.Interrupt)
	for conn, err := net.Dial("tcp", host); err == nil; conn, err = net.Dial("tcp", host) {
		conn.Close() // until the program listens no more
	}
	for _, conn := range conns[1:] {
		io.WriteString(conn, body)
		reply, _ := io.ReadAll(conn)
		if !strings.HasSuffix(string(reply), "\r\n\r\n"+`{"data":{"__typename":"Query"}}`) {
			t.Errorf("a request under way when the signal came:\n%s", reply)
		}
	}
	program.Process.Signal(syscall.SIGTERM)
	if err := program.Wait(); fmt.Sprint(err) != "signal: terminated" {
		t.Errorf("after a second signal, with a request under way: %v", err)
	}
}

// -----------------------------------------------------------------------------
// 7 The README
// -----------------------------------------------------------------------------

// A server runs on in the background once its URL is logged, until the next one.
const beforeREADME = `
go() { case "$*" in "test ./...") echo ok in it ;; *) command go "$@" ;; esac; }
stop() { [ -z "$!" ] || { kill $! && wait $! || echo "exit status $?"; }; }
serve() { stop; env "$@" -addr localhost:3000 >log 2>&1 & exec 3<log; sed /serving/q <&3; }
send() { curl -s localhost:3000/api -H Content-Type:application/json -H "$2" -d "$1"; }
export RUN_THE_PROGRAM=1 no_proxy='*'; mkfifo log; trap stop EXIT
`

// The README is one script for one shell: commands with all that they print, and
// documents, one a line, with the replies. A "…" is what nobody can know before, up to
// a quotation mark or the end of the line; alone on a line, any lines.
func Test7_TheREADMEDoesWhatItSays(t *testing.T) {
	dir := copyRepository(t)
	os.Symlink(os.Args[0], filepath.Join(dir, "graphql-jwt-auth")) // TestMain makes us that.
	serves := regexp.MustCompile(`^(\w+=\S* )*(go run \.|graphql-jwt-auth)( -.*)?$`)
	names, wants, script, block := []string{}, []string{}, beforeREADME, ""
	next := func(i int, text, command string) {
		names, wants = append(names, fmt.Sprintf("line %d: %s", i+1, text)), append(wants, "")
		script += command + "\necho; echo = the end =\n"
	}
	for i, line := range strings.Split(readText("README.md"), "\n") {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			block = line[3:]
		case block == "console" && isCommand:
			next(i, command, serves.ReplaceAllString(command, "serve $1./graphql-jwt-auth$3"))
		case strings.HasPrefix(block, "graphql"): // Each line is a document.
			header := map[string]string{"graphql with token": bearer + "$TOKEN"}[block]
			next(i, line, `send '{"query":`+quoted(line)+`}' `+quoted(header))
		case block == "console" || block == "json":
			wants[len(wants)-1] += line + "\n"
		}
	}
	free := httptest.NewServer(nil)
	free.Close()
	host := strings.Replace(free.URL, "http://127.0.0.1", "localhost", 1)
	out, err := sh(dir, strings.ReplaceAll(script, "localhost:3000", host))
	text := strings.ReplaceAll(string(out), host, "localhost:3000")
	printed := strings.Split(text, "\n= the end =\n")
	first := regexp.MustCompile(`: go run \.line \d+: go test \./\.\.\.$`)
	if len(printed) != len(names)+1 || !first.MatchString(names[0]+names[1]) {
		t.Fatalf("README.md: %v\n%s", err, out)
	}
	for i, want := range wants {
		t.Run(names[i], func(t *testing.T) {
			var compact bytes.Buffer
			if json.Compact(&compact, []byte(want)) == nil {
				want = compact.String()
			}
			dots := strings.NewReplacer("\n…\n", "\n(?s:.*)\n", "…", `[^"\n]*`)
			pattern := "^" + dots.Replace("\n"+regexp.QuoteMeta(want)) + "\n*$"
			if !regexp.MustCompile(pattern).MatchString("\n" + printed[i]) {
				t.Errorf("README.md, %s\n got %s\nwant %s", names[i], printed[i], want)
			}
		})
	}
}

func sh(dir, script string) (out []byte, err error) {
	return exec.Command("sh", "-c", "cd '"+dir+"'\n"+script).CombinedOutput()
}

// copyRepository copies the program to a new folder.
func copyRepository(t *testing.T) (dir string) {
	dir = t.TempDir()
	_, err := sh(".", "command -v go && command -v curl && cp go.mod go.sum *.go '"+dir+"'")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("this takes a Unix with sh, go and curl: ", err)
	}
	return dir
}

func readText(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// The README has every setting with its default, the program's schema, and no refusals
// but the program's. Git leaves alone what the program makes.
func Test7_TheREADMENamesEverySetting(t *testing.T) {
	readme := readText("README.md")
	texts := readme + readText(".gitignore") + readText("main.go") + readText("jwt.go")
	var help strings.Builder
	readSettings([]string{"-h"}, func(string) string { return "" }, &help)
	wants := []string{"```text" + typeDefs + "```", "\n| `JWT_SECRET` |", "\n| `PORT` |",
		"\n```console\n$ go test ./...\n", "\n/graphql-jwt-auth\n", "\nusers.jsonl\n", "\n.env\n"}
	flags := regexp.MustCompile(`(?m)^  (-\w+).*(?:\n    \t.*?(?:\(default "?([^")]+).*)?$)?`)
	for _, m := range flags.FindAllStringSubmatch(help.String(), -1) {
		wants = append(wants, strings.Replace("\n| `"+m[1]+"` | `"+m[2]+"` | ", " `` ", " ", 1))
	}
	refusals := regexp.MustCompile("(?m)^\\| `(.*)` \\| \\d+ ")
	for _, m := range refusals.FindAllStringSubmatch(readme, -1) {
		wants = append(wants, quoted(m[1]))
	}
	for _, want := range wants {
		if !strings.Contains(texts, want) || len(wants) < 22 {
			t.Errorf("of %d texts, this is missing: %s", len(wants), want)
		}
	}
}

var broken = os.Getenv("BROKEN_CONDITION") // in a copy of the program

// There, each condition can be turned off: the named test fails, as the named attack
// works. What "Add to it" shows is done too, its function standing before main.
func Test7_WhatTheREADMEBreaksBreaks(t *testing.T) {
	if broken != "" { // We are the copy.
		s := newServer(t)
		s.send(ask(johnSignsUp))
		exchanges{{"new", ask(`{ user(id: 1) { id } }`), data(`{"user":{"id":1}}`)}}.test(t, s)
		return
	}
	dir, readme := copyRepository(t), readText("README.md")
	edit := func(name, old, new string) {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(strings.Replace(readText(path), old, new, 1)), 0o600)
	}
	cells := regexp.MustCompile("(?m)^\\| `(.+?)` \\| `(.+)` \\| `(.+?)` \\| \\*(.+)\\*")
	rows := cells.FindAllStringSubmatch(readme, -1)
	for i, row := range rows {
		edit(row[1], row[2], fmt.Sprintf("broken != `%d` && %s", i, row[2]))
	}
	blocks := regexp.MustCompile("(?ms)^```go(\n.*?\n)(.*?)^```$")
	for _, m := range blocks.FindAllStringSubmatch(readme, -1) {
		edit("main.go", m[1], m[1]+m[2])
	}
	function := regexp.MustCompile("(?ms)^```go(\nfunc .*?)^```$").FindStringSubmatch(readme)
	edit("main.go", "\nfunc main() {", function[1]+"\nfunc main() {")
	run := "./broken.exe -test.run=^%s$"
	out, err := sh(dir, "go test -c -vet=off -o broken.exe && BROKEN_CONDITION=none "+
		fmt.Sprintf(run, t.Name()))
	if err != nil || len(rows) < 5 {
		t.Errorf("README.md breaks %d rows; what it adds: %s", len(rows), out)
	}
	for i, row := range rows {
		out, _ := sh(dir, fmt.Sprintf("BROKEN_CONDITION=%d "+run, i, row[3]))
		_, failure, _ := strings.Cut(string(out), ": "+row[4]+":")
		failure, _, _ = strings.Cut(failure, "main_test.go:")
		if !regexp.MustCompile(`(: |got )accepted|got 200`).MatchString(failure) {
			t.Errorf("%s, without %s: %s fails:\n%s", row[3], row[2], row[4], out)
		}
	}
}

// -----------------------------------------------------------------------------
// 8 Beyond examples
// -----------------------------------------------------------------------------

// What is accepted is ours, and says to any reader of JSON what it says to the server.
func FuzzToken(f *testing.F) {
	f.Add(` {"alg":"HS256","ALG":"none"}`, `{"id":1e0,"email":"\u0000","exp":1e400}`)
	f.Fuzz(func(t *testing.T, header, body string) {
		got, err := verify([]byte(secret), signed(secret, header, body), issued)
		_, forged := verify([]byte(secret), signed("another", header, body), issued)
		var h, c map[string]any
		json.Unmarshal([]byte(header), &h)
		json.Unmarshal([]byte(body), &c)
		if forged == nil || err == nil && (h["alg"] != "HS256" || c["email"] != got.Email) {
			t.Errorf("accepted %s %s as %+v", header, body, got)
		}
	})
}

// Whatever the document, the reply is JSON, and an error names a place in it.
func FuzzDocument(f *testing.F) {
	f.Add(`query($x:[Int!]!=[1.5e3,{a:$b}]@c){__type(name:"\ud83d\u{1F600}"){fields(a:$x){name}}}`)
	s := newServer(f)
	f.Fuzz(func(t *testing.T, document string) {
		document = strings.ToValidUTF8(document, "") // Else the body is refused.
		_, reply, _ := strings.Cut(s.send(ask(document)), "\n\n")
		bad := !json.Valid([]byte(reply))
		lines := regexp.MustCompile("\r\n|\r|\n").Split(document, -1)
		for _, at := range regexp.MustCompile(`"line":\d+,"column":\d+`).FindAllString(reply, -1) {
			var line, column int
			fmt.Sscanf(at, `"line":%d,"column":%d`, &line, &column)
			bad = bad || column > len(utf16.Encode([]rune(lines[line-1])))+1
		}
		if bad {
			t.Errorf("%q\n got %s", document, reply)
		}
	})
}

// Whatever the file holds, it is refused as it is, or can be loaded again.
func FuzzUsersFile(f *testing.F) {
	f.Add("\ufeff\r\n" + userLine(5, "ann") + " " + userLine(6, "bob")[:90])
	f.Chdir(f.TempDir())
	f.Fuzz(func(t *testing.T, text string) {
		writeUsersFile(text)
		s, err := openStore("users.jsonl", log.New(io.Discard, "", 0))
		if err == nil {
			_, err = signUp(s, "new.user")
		}
		s2, _ := openStore("users.jsonl", log.New(io.Discard, "", 0))
		now := readText("users.jsonl")
		if err == nil && usersOf(s2) != usersOf(s) || !strings.HasPrefix(now, text) {
			t.Errorf("%q: %v, now %q", text, err, now)
		}
	})
}

// Whatever else is in a .env, a line KEY="value" before it is read as it stands.
func FuzzDotEnv(f *testing.F) {
	f.Add("\x00#\xff", " = B\n\"")
	f.Fuzz(func(t *testing.T, value, rest string) {
		got := dotEnv(`A="` + value + "\" # comment\r\n" + rest)["A"]
		if got != value && !strings.ContainsAny(value, "\"\n") && !strings.Contains(rest, "A") {
			t.Errorf("A is %q, want %q", got, value)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	for b.Loop() {
		verify([]byte(secret), johnsToken, issued)
	}
}

func BenchmarkMe(b *testing.B) {
	s := newServer(b)
	for request := ask(whoAmI, bearer+s.token(johnSignsUp)); b.Loop(); {
		s.send(request)
	}
}

func BenchmarkIntrospection(b *testing.B) {
	for s := newServer(b); b.Loop(); {
		s.send(ask(introspectionQuery))
	}
}

// What Insomnia and GraphiQL send first.
const introspectionQuery = `query IntrospectionQuery { __schema { queryType { name }
	mutationType { name } subscriptionType { name } types { ...FullType }
	directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description fields(includeDeprecated: true) {
	name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) {
	name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name } } } } } }`

func BenchmarkLoad(b *testing.B) {
	b.Chdir(b.TempDir())
	var text strings.Builder
	for id := range 10_000 {
		text.WriteString(userLine(id+1, fmt.Sprint("user", id)))
	}
	for writeUsersFile(text.String()); b.Loop(); {
		openUsers(b)
	}
}
