// main_test.go is the program's specification, written as tests. Read it from top
// to bottom: a test's name is a sentence that is true of the program, the comment
// above it says why, and its body is the example.
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
	"maps"
	"math"
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
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	secret = "somereallylongsecretkey" // the tutorial's
	bearer = "Authorization: Bearer "
)

// TestMain lets nothing in from outside, and is the program where a test starts that.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_THE_PROGRAM") != "" {
		main()
		return
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
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { users.close() })
	s.app, err = newApp(settings{cost: bcrypt.MinCost, secret: secret}, users, logger)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends a request, and returns the reply.
func (s *server) send(request string) string {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, parseRequest(request))
	reply := fmt.Sprintf("%d %s\n", w.Code, http.StatusText(w.Code))
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if everyReply[name] == "" {
			reply += name + ": " + strings.Join(w.Header()[name], ", ") + "\n"
		}
	}
	return reply + "\n" + w.Body.String()
}

// everyReply is the headers that every reply has.
var everyReply = map[string]string{
	"Access-Control-Allow-Origin":   "*",
	"Access-Control-Expose-Headers": "WWW-Authenticate",
	"Cache-Control":                 "no-store", // Tokens are not to lie in caches.
	"Vary":                          "Accept",
	"X-Content-Type-Options":        "nosniff",
}

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

// ask writes the request that sends a document.
func ask(document string, headers ...string) string {
	lines := append([]string{"POST /api", "Content-Type: application/json"}, headers...)
	return strings.Join(lines, "\n") + "\n\n" + `{"query":` + quoted(document) + `}`
}

// askWith adds variables, in JSON, and askFor any other members of the body.
func askWith(document, variables string) string {
	return askFor(document, `"variables":`+variables)
}

func askFor(document, members string) string {
	return strings.TrimSuffix(ask(document), "}") + "," + members + "}"
}

// quoted writes a string as JSON and GraphQL do.
func quoted(s string) string { return string(encode(s)) }

// replied is a reply, and data one to a document that was executed.
func replied(body string) string {
	return "200 OK\nContent-Type: application/json; charset=utf-8\n\n" + body
}

func data(json string) string { return replied(`{"data":` + json + `}`) }

// invalid is the reply to a document that is refused, at places such as "1:2 3:4".
func invalid(message, at string) string { return replied(`{"errors":[` + errorAt(message, at) + `]}`) }

func errorAt(message, at string, path ...any) string {
	e := gqlError{Message: message, Path: path}
	for place := range strings.FieldsSeq(at) {
		var l location
		fmt.Sscanf(place, "%d:%d", &l.Line, &l.Column)
		e.Locations = append(e.Locations, l)
	}
	return string(encode(e))
}

// failed is the reply to a document whose one field failed.
func failed(field, at, message, code string) string {
	return replied(`{"errors":[` + strings.TrimSuffix(errorAt(message, at, field), "}") +
		`,"extensions":{"code":"` + code + `"}}],"data":{"` + field + `":null}}`)
}

// refused is the reply to a request that is refused, and refusedToken to a bad token.
func refused(status int, message string, headers ...string) string {
	lines := append(headers, "Content-Type: application/json; charset=utf-8")
	slices.Sort(lines)
	return fmt.Sprintf("%d %s\n%s\n\n"+`{"errors":[%s]}`,
		status, http.StatusText(status), strings.Join(lines, "\n"), errorAt(message, ""))
}

func refusedToken(check, message string) string {
	reply := refused(401, message,
		`Www-Authenticate: Bearer error="invalid_token", error_description="`+message+`"`)
	return strings.Replace(reply, "}]}",
		`,"extensions":{"check":"`+check+`","code":"UNAUTHENTICATED"}}]}`, 1)
}

// -----------------------------------------------------------------------------
// 1 A token
//
// A token is three texts: what it is, what it says, and proof that we wrote it.
// -----------------------------------------------------------------------------

const (
	hs256       = `{"alg":"HS256","typ":"JWT"}`
	user1       = `"id":1,"email":"johndoe@example.com"`
	johnsClaims = `{` + user1 + `,"iat":1518346667,"exp":1549904267}`

	johnsToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
		"eyJpZCI6MSwiZW1haWwiOiJqb2huZG9lQGV4YW1wbGUuY29tIiwiaWF0IjoxNTE4MzQ2NjY3LCJleHAiOjE1NDk5MDQyNjd9." +
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

func withHeader(header string) string { return signed(secret, header, johnsClaims) }
func withClaims(claims string) string { return signed(secret, hs256, claims) }

// answer is what the server says of a token: the check that refuses it and the
// message, or "accepted".
func answer(token string, now time.Time) string {
	_, err := verify([]byte(secret), token, now)
	var refused refusal
	if errors.As(err, &refused) {
		return refused.check + ": " + err.Error()
	}
	return "accepted"
}

const (
	malformed  = "form: jwt malformed"
	unreadable = "content: invalid token"
	unsigned   = "signed: jwt signature is required"
	badAlg     = "algorithm: invalid algorithm"
	forged     = "signature: invalid signature"
	badNbf     = "not before: invalid nbf value"
	notYet     = "not before: jwt not active"
	badExp     = "expiry: invalid exp value"
	expired    = "expiry: jwt expired"
	badUser    = "user: invalid token"
)

// A table of tokens, and what the server answers when John's is new.
type tokens []struct{ name, token, want string }

func (table tokens) test(t *testing.T) {
	t.Helper()
	for _, row := range table {
		if got := answer(row.token, issued); got != row.want {
			t.Errorf("%s: %.999s: %s; want %s", row.name, row.token, got, row.want)
		}
	}
}

// All it takes is JSON, base64url and a hash with a secret.
func Example_aTokenIsMadeByHand() {
	header := base64URL(`{"alg":"HS256","typ":"JWT"}`)
	claims := base64URL(`{"id":1,"email":"johndoe@example.com","iat":1518346667,"exp":1549904267}`)

	h := hmac.New(sha256.New, []byte("somereallylongsecretkey"))
	h.Write([]byte(header + "." + claims))
	signature := base64.RawURLEncoding.EncodeToString(h.Sum(nil))

	fmt.Println(header)
	fmt.Println(claims)
	fmt.Println(signature)
	fmt.Println(answer(header+"."+claims+"."+signature, time.Unix(1518346667, 0)))
	// Output:
	// eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9
	// eyJpZCI6MSwiZW1haWwiOiJqb2huZG9lQGV4YW1wbGUuY29tIiwiaWF0IjoxNTE4MzQ2NjY3LCJleHAiOjE1NDk5MDQyNjd9
	// fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPSMXW1OWM
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
	// signature: invalid signature
}

// The signatures are jsonwebtoken 9.0.3's. With one byte more or less in the header
// or the claims, they would be others.
func Test1_TheSameBytesAsJsonwebtoken(t *testing.T) {
	for _, row := range []struct {
		name string
		c    claims
		want string
	}{
		{"the tutorial's", claims{1, "johndoe@example.com", 1518346667, 1549904267},
			"fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPSMXW1OWM"},
		{"every character that an email may have", claims{math.MaxInt32,
			"aZ09.!#$%&'*+/=?^_`{|}~-@b-c.d", 1518346667, 4102444800},
			"_I1kgPkGhb-tVhjkzqxs6ljStufXfhf1CeBWbMUYfMI"},
	} {
		token := sign([]byte(secret), row.c)
		if !strings.HasSuffix(token, "."+row.want) {
			t.Errorf("%s: sign(%+v)\n got %s\nwant … .%s", row.name, row.c, token, row.want)
		}
		if back, err := verify([]byte(secret), token, issued); back != row.c || err != nil {
			t.Errorf("%s: verify(%s) = %+v, %v; want %+v", row.name, token, back, err, row.c)
		}
	}

	// The example of RFC 7515, appendix A.1, with another program's secret, white
	// space and claims, fails only the last check: it names no user of ours.
	theirs, _ := base64url.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T" +
		"-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	token := "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." +
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	now := time.Unix(1300819379, 0)
	_, good := verify(theirs, token, now)
	_, late := verify(theirs, token, now.Add(time.Second))
	_, other := verify(theirs[1:], token, now)
	if !errors.Is(good, refusal{errInvalid, "user"}) || !errors.Is(late, refusal{errExpired, "expiry"}) ||
		!errors.Is(other, refusal{errSignature, "signature"}) {
		t.Errorf("in time: %v; a second later: %v; with another secret: %v", good, late, other)
	}
}

// Each check is there because somebody once left it out.
func Test1_EveryCheckHasItsAttack(t *testing.T) {
	header, rest, _ := strings.Cut(johnsToken, ".")
	body, signature, _ := strings.Cut(rest, ".")
	padded := signed(secret, hs256+" ", johnsClaims) // 28 bytes: base64 would end in "=="
	other := base64URL(strings.Replace(johnsClaims, `"id":1`, `"id":2`, 1))
	dots := strings.Repeat(".", 500_000)
	claiming := func(times string) string { return withClaims("{" + user1 + "," + times + "}") }
	tokens{
		{"no place for a signature", header + "." + body, malformed},
		{"four parts", johnsToken + ".", malformed},
		// golang-jwt and go-jose split at all of them (CVE-2025-30204, CVE-2025-27144).
		{"half a million dots", dots, malformed},
		{"8192 bytes are read", strings.Repeat("a", 8190) + "..", unreadable},
		{"8193 bytes are not", strings.Repeat("a", 8191) + "..", malformed},
		{"padding", strings.Replace(padded, ".", "==.", 1), unreadable},
		{"base64 for base64url", strings.Replace(johnsToken, "_", "/", 1), unreadable},
		// Go's decoders skip these two, so one token could be written in many ways:
		// revoked or counted in one, it would be good in another.
		{"a line feed", "\n" + johnsToken, unreadable},
		{"a carriage return", header + "." + body + "\r." + signature, unreadable},

		// Eight libraries believed the token (McLean, 2015).
		{"alg none", base64URL(`{"alg":"none"}`) + "." + body + ".", unsigned},
		{"alg none, signed", withHeader(`{"alg":"none"}`), badAlg},
		// They then looked for "none" and were sent this (Auth0, 2020).
		{"alg None", withHeader(`{"alg":"None"}`), badAlg},
		// jsonwebtoken took the public key, which everybody has, as the secret (CVE-2015-9235).
		{"alg RS256", withHeader(`{"alg":"RS256"}`), badAlg},
		{"alg HS384", withHeader(`{"alg":"HS384"}`), badAlg},
		{"alg hs256", withHeader(`{"alg":"hs256"}`), badAlg},
		{"alg not a string", withHeader(`{"alg":["HS256"]}`), badAlg},
		// encoding/json takes these for "alg" and "kid": any case, ſ and the Kelvin sign.
		{"ALG", withHeader(`{"ALG":"HS256"}`), badAlg},
		{"ALG beside alg", withHeader(`{"alg":"none","ALG":"HS256","\u212aid":1}`), badAlg},
		{"another user's id", header + "." + other + "." + signature, forged},
		{"another secret", signed("secret", hs256, johnsClaims), forged},
		// node-jose took the key from the token itself (CVE-2018-0114) …
		{"jwk", signed("k", `{"alg":"HS256","jwk":{"kty":"oct","k":"aw"}}`, johnsClaims), forged},
		// … and others from a file or an address that the token named.
		{"kid", signed("", `{"alg":"HS256","kid":"../../dev/null"}`, johnsClaims), forged},
		{"jku", signed("k", `{"alg":"HS256","jku":"https://evil.example"}`, johnsClaims), forged},
		// Java accepted zeros as any ECDSA signature (CVE-2022-21449).
		{"zeros", header + "." + body + "." + strings.Repeat("A", 43), forged},
		{"stray bits in the signature", johnsToken[:len(johnsToken)-1] + "N", forged},
		{"nbf to come", claiming(`"exp":2e9,"nbf":1518346668`), notYet},
		{"nbf null", claiming(`"exp":2e9,"nbf":null`), badNbf},
		{"exp is over", claiming(`"exp":1518346667`), expired},
		{"exp null", claiming(`"exp":null`), badExp},
		{"exp inside another", claiming(`"a":{"exp":2e9},"b":"\",\"exp\":2e9"`), badExp},
		{"id 0", withClaims(`{"id":0,"email":"a@b.c","exp":2e9}`), badUser},
	}.test(t)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	verify([]byte(secret), dots, issued)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 50_000 {
		t.Errorf("half a million dots: %d bytes allocated", n)
	}
	// Nobody can accept a token without a secret, not even by mistake.
	if _, err := verify(nil, johnsToken, issued); err != errNotJudged {
		t.Errorf("without a secret: %v", err)
	}
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
	tokens{
		{"nothing", "?" + bad, malformed},
		{"the form", "?." + bad + ".", unreadable},
		{"the header", none + "." + bad + ".", unsigned},
		{"an empty signature", none + "." + bad + ".AAAA", badAlg},
		{"the algorithm", base64URL(hs256) + "." + bad + ".AAAA", forged},
		{"the signature", withClaims(`{"nbf":"now","exp":"never"}`), badNbf},
		{"the type of nbf", withClaims(`{"nbf":2e9,"exp":"never"}`), notYet},
		{"nbf", withClaims(`{"nbf":1e9,"exp":"never"}`), badExp},
		{"the type of exp", withClaims(`{"nbf":1e9,"exp":1e9}`), expired},
		{"exp", withClaims(`{"nbf":1e9,"exp":2e9}`), badUser},
		{"the user", withClaims(`{"id":1,"email":"","nbf":1e9,"exp":2e9}`), "accepted"},
	}.test(t)
}

// Time is cut to whole seconds: nbf is good from its second on, exp until the one
// before it. Numbers are JavaScript's.
func Test1_TimeIsToTheSecond(t *testing.T) {
	for _, row := range []struct {
		claim string
		now   time.Time
		want  string
	}{
		{`"exp":1518346668`, issued.Add(time.Second - 1), "accepted"},
		{`"exp":1518346668`, issued.Add(time.Second), expired},
		{`"exp":1518346667.5`, issued.Add(time.Second - 1), "accepted"},
		{`"exp":1518346667.5`, issued.Add(time.Second), expired},
		{`"exp":1e400`, issued, "accepted"}, // infinite
		{`"nbf":1518346667,"exp":2e9`, issued, "accepted"},
		{`"nbf":1518346667,"exp":2e9`, issued.Add(-1), notYet},
		{`"nbf":1518346667.5,"exp":2e9`, issued.Add(time.Second - 1), notYet},
		{`"nbf":-1e400,"exp":2e9`, issued, "accepted"},
		{`"exp":-1`, time.Unix(-2, 1), "accepted"}, // before 1970 too
	} {
		if got := answer(withClaims("{"+user1+","+row.claim+"}"), row.now); got != row.want {
			t.Errorf("%s at %v: %s; want %s", row.claim, row.now.UTC(), got, row.want)
		}
	}
}

// All of these are signed as they should be, and jsonwebtoken accepts them. But if
// two programs read a token differently, an attacker can use the difference.
func Test1_StricterThanJsonwebtoken(t *testing.T) {
	straying := func(part string) string { return part[:len(part)-1] + string(part[len(part)-1]+1) }
	resigned := func(header, body string) string {
		return header + "." + body + "." + mac([]byte(secret), header+"."+body)
	}
	tokens{
		{"stray bits in the header",
			resigned(straying(base64URL(hs256+" ")), base64URL(johnsClaims)), unreadable},
		{"stray bits in the claims",
			resigned(base64URL(hs256), straying(base64URL(johnsClaims+" "))), unreadable},
		{"claims not UTF-8", withClaims("{" + user1 + ",\"exp\":2e9,\"\xff\":1}"), unreadable},
		// Authlib and PyJWT went on without understanding it (CVE-2025-59420).
		{"crit", withHeader(`{"alg":"HS256","crit":["exp"]}`), unreadable},
		// CouchDB checked the last of two "roles" and used the first (CVE-2017-12635).
		{"alg twice", withHeader(`{"alg":"none","alg":"HS256"}`), unreadable},
		{"alg twice, once escaped", withHeader(`{"alg":"none","\u0061lg":"HS256"}`), unreadable},
		{"id twice", withClaims(`{"id":2,` + johnsClaims[1:]), unreadable},
		{"claims a list", withClaims(`[` + johnsClaims + `]`), unreadable},
		{"no exp", withClaims(`{` + user1 + `}`), badExp},
		{"EXP", withClaims(`{` + user1 + `,"EXP":2e9}`), badExp},
		{"no id", withClaims(`{"email":"a@b.c","exp":2e9}`), badUser},
		{"id a string", withClaims(`{"id":"1","email":"a@b.c","exp":2e9}`), badUser},
		{"id a fraction", withClaims(`{"id":1.5,"email":"a@b.c","exp":2e9}`), badUser},
		{"id infinite", withClaims(`{"id":1e400,"email":"a@b.c","exp":2e9}`), badUser},
		{"email a number", withClaims(`{"id":1,"email":1,"exp":2e9}`), badUser},
		{"ema\u0131l", withClaims(`{"id":1,"ema\u0131l":"a@b.c","exp":2e9}`), badUser},

		// Odd, yet there is only one way to read them.
		{"white space", withHeader(" {\t\"alg\" : \"HS256\"\r\n} "), "accepted"},
		{"escapes", withHeader(`{"\u0061lg":"\u0048S256"}`), "accepted"},
		{"other names", withHeader(`{"x":[1,{"crit":"]}"}],"alg":"HS256","kid":""}`), "accepted"},
		{"id 1.0", withClaims(`{"id":1.0,"email":"","exp":2e9}`), "accepted"},
	}.test(t)

	odd := withClaims(`{"id":1e300,"email":"\"\u00e9\ud83d\ude00","iat":-1e300,"exp":2.5e9}`)
	want := claims{1 << 53, `"é😀`, -1 << 53, 2500000000}
	if got, err := verify([]byte(secret), odd, issued); got != want || err != nil {
		t.Errorf("verify(%s) = %+v, %v; want %+v", odd, got, err, want)
	}
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
	if got := explain(secret, "", johnsToken); got != refused {
		t.Errorf("token %s:%s\nwant:%s", johnsToken, got, refused)
	}
	day := withClaims(fmt.Sprint("{", user1, `,"exp":`, time.Now().Unix()+86400, "}"))
	accepted := strings.NewReplacer(
		"           iat    1518346667  2018-02-11 10:57:47 UTC, 8 years ago\n", "",
		"1549904267  2019-02-11 16:57:47 UTC, 7 years ago",
		"1795536062  2026-11-24 16:01:02 UTC, in 24 hours",
		"FAIL  expiry      ended 7 years ago ", "pass  expiry      ends in 24 hours  ",
		"skip  user        not reached                 ", "pass  user        id and email say whose it is",
		"refused: jwt expired\n1", "accepted\n0").Replace(refused)
	if got := explain(secret, " bearer \t"+day+"\n"); got != accepted {
		t.Errorf("token %s:%s\nwant:%s", day, got, accepted)
	}

	half := day[:strings.LastIndex(day, ".")+1]
	xs := strings.Repeat("x", 58)
	// A token can't drive the terminal, nor fill it.
	driving := withHeader(`{"\u001b[2J":"` + "\u009b\u00a0" + `","b":1,"c":2,"d":3,"e":4,"f":5}`)
	filling := withClaims(`{"a":"` + xs + `x","b":"` + xs + `","c":3,"d":4,"e":5,"f":{},"g":7}`)
	times := withClaims(`{"iat":253402300800,"nbf":-1e400,"exp":253402300799}`)
	const usage = "\ntoken: give it one token, as the argument or on standard input\n2"
	for _, row := range []struct{ stdin, want string }{
		{"a.b", "\nFAIL  form        2 parts; a token has three                    RFC 7515 §7.1\nskip"},
		{"a", "\nFAIL  form        1 part; a token has three  "},
		{strings.Repeat(".", 8193), "FAIL  form        8193 bytes; a token has at most 8192  "},
		{withClaims("{"), "FAIL  content     the claims part is not JSON  "},
		{half + "!", "FAIL  content     the signature part is not base64url  "},
		{withHeader(`{"crit":[]}`), "FAIL  content     crit in the header asks for extensions  "},
		{withHeader(`{"a":1,"a":2}`), "header     a      1\n           a      2\nclaims     id  "},
		{withHeader(`{"a":1,"a":2}`), `FAIL  content     the header part has the name "a" twice  `},
		{"W10.e30.", "claims     {}\nsignature  empty\n\n"}, // [] and {}
		{half, "FAIL  signed      the signature is empty  "},
		{half + "A", "signature  not base64url\n\n"},
		{withHeader(`{}`), `FAIL  algorithm   alg is missing; only "HS256" is accepted  `},
		{withHeader(`{"alg":"none of yours, I fear"}`),
			`FAIL  algorithm   alg is "none of yours, I fear"; only "HS256…  RFC 8725`},
		{signed("other", hs256, "{}"), "FAIL  signature   not the HMAC-SHA-256 of header.claims  "},
		{withClaims(`{"nbf":1795449663}`), "nbf  1795449663  2026-11-23 16:01:03 UTC, in 1 second\n"},
		{withClaims(`{"nbf":1795449663}`), "FAIL  not before  starts in 1 second  "},
		{withClaims(`{"nbf":"now"}`), "FAIL  not before  nbf is not a number  "},
		{withClaims(`{"nbf":0}`), "pass  not before  started 56 years ago  "},
		{withClaims(`{}`), "FAIL  expiry      exp is missing or not a number  "},
		{withClaims(`{"exp":2e9}`), "FAIL  user        id or email is not as it must be  "},
		{driving, `header     \u001b[2J  "\u009b\u00a0"` + "\n           b          1\n"},
		{driving, "           f          5\nclaims     id  "},
		{filling, `claims     a    "` + xs + "…\n           b    \"" + xs + "\"\n           c  "},
		{filling, "           e    5\n           … and 2 more\nsignature  32 bytes\n"},
		{times, "iat  253402300800\n           nbf  -1e400\n"},
		{times, "exp  253402300799  9999-12-31 23:59:59 UTC, in 7978 years\n"},
		{"", usage}, {"Bearer", usage}, {day + "\n" + day, usage},
	} {
		if got := explain(secret, row.stdin); !strings.Contains(got, row.want) {
			t.Errorf("token %.999s:%s\nwant:\n%s", row.stdin, got, row.want)
		}
	}
	for _, row := range [][2]string{
		{explain("", day), "\nskip  signature   no JWT_SECRET: not checked  "},
		{explain("", day), "\n\nnot judged: without JWT_SECRET, anyone may have written this\n3"},
		{explain("", johnsToken), "\n\nrefused: jwt expired\n1"},
		{explain(secret, "a", "a", "b"), usage},
	} {
		if !strings.Contains(row[0], row[1]) {
			t.Errorf("%s\nwant:\n%s", row[0], row[1])
		}
	}
	for seconds, want := range map[float64]string{
		0.9: "now", 1: "in 1 second", -119: "119 seconds ago", 120: "in 2 minutes",
		7199: "in 119 minutes", 7200: "in 2 hours", 48*3600 - 1: "in 47 hours",
		48 * 3600: "in 2 days", 730*86400 - 1: "in 729 days", 730 * 86400: "in 2 years",
	} {
		if got := relative(seconds); got != want {
			t.Errorf("%v seconds: %s; want %s", seconds, got, want)
		}
	}
}

// Colours are for a terminal, and for people who want them.
func Test1_ColoursAreForTerminals(t *testing.T) {
	device, err := os.OpenFile("/dev/zero", os.O_RDWR, 0) // like a terminal, a character device
	if err != nil {
		t.Skip(err)
	}
	defer device.Close()
	const plain = "pass  skip\nrefused: it\n"
	const coloured = "\x1b[32mpass\x1b[0m  skip\n\x1b[31mrefused: it\x1b[0m\n"
	for _, row := range []struct{ noColor, term, want string }{
		{"", "xterm", coloured}, {"1", "xterm", plain}, {"", "dumb", plain},
	} {
		t.Setenv("NO_COLOR", row.noColor)
		t.Setenv("TERM", row.term)
		got, inFile := paint(device, plain), paint(new(bytes.Buffer), plain)
		if got != row.want || inFile != plain {
			t.Errorf("%+v: %q; not at a terminal: %q", row, got, inFile)
		}
	}
	if status := tokenCommand(nil, nil, device, io.Discard, io.Discard); status != 2 {
		t.Errorf("token, where a person types nothing: status %d; want 2", status)
	}
}

// -----------------------------------------------------------------------------
// 2 The walk-through: sign up, log in, ask who one is
// -----------------------------------------------------------------------------

const (
	johnSignsUp = `mutation { signup(username: "johndoe", email: "johndoe@example.com", password: "password") }`
	johnLogsIn  = `mutation { login(email: "johndoe@example.com", password: "password") }`
	whoAmI      = `{ me { id username email } }`

	john = `{"me":{"id":1,"username":"johndoe","email":"johndoe@example.com"}}`
)

func loginOf(email, password string) string {
	return fmt.Sprintf("mutation { login(email: %s, password: %s) }", quoted(email), quoted(password))
}

var anonymous = failed("me", "1:3", "You are not authenticated!", "UNAUTHENTICATED")

// This is the tutorial, at the second at which its author signed up: with the
// same secret, the token is the one of the tutorial, byte for byte.
func Test2_TheWalkThrough(t *testing.T) {
	const ofLogin = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
		"eyJpZCI6MSwiZW1haWwiOiJqb2huZG9lQGV4YW1wbGUuY29tIiwiaWF0IjoxNTE4MzQ2NjY3LCJleHAiOjE1MTg0MzMwNjd9." +
		"CCTgiTnJgupR4mu0nuDQmxxMoRtPoPdv6VUezyz-JOk"
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		time.Sleep(time.Until(issued))
		exchanges{
			{"sign up", ask(johnSignsUp), data(`{"signup":"` + johnsToken + `"}`)},
			{"log in", ask(johnLogsIn), data(`{"login":"` + ofLogin + `"}`)},
			{"me, without a token", ask(whoAmI), anonymous},
			{"me, with the token of the sign-up", ask(whoAmI, bearer+johnsToken), data(john)},
			{"me, with the token of the login", ask(whoAmI, bearer+ofLogin), data(john)},
		}.test(t, s)
	})
}

// A sign-up is trusted for long, since the person is most likely to come back; a
// login for a day. A year is 365.25 days, as jsonwebtoken counts "1y".
func Test2_ALoginLastsADayASignUpAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			document  string
			ttl, want time.Duration
		}{
			{johnSignsUp, 0, 31_557_600 * time.Second},
			{johnLogsIn, 0, 86_400 * time.Second},
			{johnSignsUp, 30 * time.Second, 30 * time.Second}, // -ttl 30s
			{johnLogsIn, 1900 * time.Millisecond, time.Second},
		} {
			s := newServer(t)
			if test.document == johnLogsIn {
				s.send(ask(johnSignsUp))
			}
			s.ttl = test.ttl
			time.Sleep(time.Second / 2)
			request := ask(whoAmI, bearer+s.token(test.document))
			time.Sleep(test.want - time.Second)
			exchanges{{"a second before the end", request, data(john)}}.test(t, s)
			time.Sleep(time.Second)
			exchanges{{"at the end", request, refusedToken("expiry", "jwt expired")}}.test(t, s)
		}
	})
}

// Every rule has the first value that breaks it and, in the second half, the last
// that doesn't. Where a value breaks several, the order of the rules decides.
func Test2_WhatSignUpRefuses(t *testing.T) {
	const ok, email, password = "johndoe", "johndoe@example.com", "password"
	const (
		noUsername   = "Username must not be empty"
		longUsername = "Username must be at most 255 characters"
		badEmail     = "Invalid email address"
		taken        = "Email already in use"
		shortSecret  = "Password must be at least 8 characters"
		longSecret   = "Password must be at most 72 bytes"
		nulInSecret  = "Password must not contain U+0000"
	)
	é36, label := strings.Repeat("é", 36), strings.Repeat("x", 63)+"."
	domain := label + label + label + label[:54] + "e" // 247 bytes
	s := newServer(t)
	s.send(ask(johnSignsUp))
	for _, test := range []struct{ name, username, email, password, want string }{
		{"no username", "", email, password, noUsername},
		{"a blank one (a tab, a no-break space)", "\t\u00a0 ", email, password, noUsername},
		{"a username of 256", strings.Repeat("é", 256), email, password, longUsername},
		{"no email", ok, "", password, badEmail},
		{"no domain", ok, "johndoe@", password, badEmail},
		{"no dot is needed, but a letter", ok, "johndoe@-", password, badEmail},
		{"an email of 255 bytes", ok, "1234567@" + domain, password, badEmail},
		{"a password of 7", ok, "a@b", "éééé日本語", shortSecret},
		{"a password of 73 bytes", ok, "a@b", é36 + "x", longSecret},
		{"a password with U+0000", ok, "a@b", "password\x00", nulInSecret},
		{"an email that is taken", ok, email, password, taken},
		{"in other letters", ok, " JohnDoe@Example.COM ", password, taken},

		{"username first", "", "", "", noUsername},
		{"then email", ok, "", "", badEmail},
		{"then a password's characters", ok, email, "short\x00", shortSecret},
		{"then its bytes", ok, email, strings.Repeat("\x00", 73), longSecret},
		{"then what it has", ok, email, "password\x00", nulInSecret},

		{"a username of 255", " " + strings.Repeat("é", 255) + "\u3000", "b@b", password, ""},
		{"a username with <, & and a line separator", "<&\u2028>", "c@b", password, ""},
		{"an email of 254 bytes", ok, "123456@" + domain, password, ""},
		{"a password of 8", ok, "d@b", "ééééé日本語", ""},
		{"a password of 72 bytes", ok, "e@b", é36, ""},
		{"white space in a password is part of it", ok, "f@b", "   7    ", ""},
	} {
		document := fmt.Sprintf("mutation { signup(username: %s, email: %s, password: %s) }",
			quoted(test.username), quoted(test.email), quoted(test.password))
		row := exchange{test.name, ask(document), failed("signup", "1:12", test.want, "BAD_USER_INPUT")}
		if test.want == "" { // It is a token, as a login proves.
			s.send(row.request)
			row.request = ask(`{ me { email } }`, bearer+s.token(loginOf(test.email, test.password)))
			row.want = data(`{"me":{"email":` + quoted(test.email) + `}}`)
		}
		exchanges{row}.test(t, s)
	}
}

// As in the tutorial, the answer says that an email is unknown, so it tells who has an
// account. Anyone could find that out with signup, too.
func Test2_WhatLoginRefuses(t *testing.T) {
	const john1, unknown, wrong = "johndoe@example.com", "No user with that email",
		"Incorrect password"
	xs := strings.Repeat("x", 72)
	s := newServer(t)
	s.send(ask(johnSignsUp))
	s.send(ask(`mutation { signup(username: "72", email: "72@k", password: "` + xs + `") }`))
	for _, test := range []struct{ name, email, password, want string }{
		{"unknown email", "jane@example.com", "password", unknown},
		{"one that only looks the same (a Kelvin sign)", "72@\u212a", xs, unknown},
		{"wrong password", john1, "Password", wrong},
		{"no password", john1, "", wrong},
		{"too long a password: bcrypt reads 72 bytes of it", "72@k", xs + "x", wrong},
		{"an end in U+0000: bcrypt appends one itself", john1, "password\x00password", wrong},
	} {
		exchanges{{test.name, ask(loginOf(test.email, test.password)),
			failed("login", "1:12", test.want, "UNAUTHENTICATED")}}.test(t, s)
	}
	for _, email := range []string{john1, " JOHNDOE@example.com\u2003"} {
		token := s.token(loginOf(email, "password"))
		exchanges{{"logged in as " + email, ask(whoAmI, bearer+token), data(john)}}.test(t, s)
	}
}

// The header is RFC 6750's. A bad token is refused even where none is needed: the
// client believes that it is logged in, and has to know that it is not.
func Test2_TheAuthorizationHeader(t *testing.T) {
	s := newServer(t)
	good := s.token(johnSignsUp)
	badFormat := refused(400, "Format is Authorization: Bearer [token]")
	unreadable := refusedToken("content", "invalid token")
	exchanges{
		{"a token", ask(whoAmI, bearer+good), data(john)},
		{"any case, white space", ask(whoAmI, "Authorization: \t bEARER\t "+good+" "), data(john)},
		{"none", ask(whoAmI), anonymous},
		{"an empty one", ask(whoAmI, "Authorization: "), anonymous},
		{"another scheme", ask(whoAmI, "Authorization: Basic am9obg=="), anonymous},
		{"a longer scheme", ask(whoAmI, "Authorization: Bearers "+good), anonymous},
		{"a token without a scheme", ask(whoAmI, "Authorization: "+good), anonymous},
		{"no token", ask(whoAmI, bearer), badFormat},
		{"two tokens", ask(whoAmI, bearer+good+" "+good), badFormat},
		{"two headers", ask(whoAmI, "Authorization: Basic eA==", bearer+good), badFormat},
		{"a space that is not HTTP's", ask(whoAmI, bearer+"\u00a0"+good), unreadable},
		{"a bad token", ask(whoAmI, bearer+"x"), refusedToken("form", "jwt malformed")},
		{"though none is needed", ask(johnLogsIn, bearer+"x.y."), unreadable},
		{"before the document", ask("{", bearer+"x.y."), unreadable},
		{"before the body", "POST /api\n" + bearer + "x.y.\n\nno JSON", unreadable},
	}.test(t, s)
}

// A token can't be taken back: it may outlive its user, or come from the time
// before someone deleted the users' file and its ids began again with 1.
func Test2_AUserWhoIsGoneIsNull(t *testing.T) {
	s := newServer(t)
	s.send(ask(johnSignsUp))
	gone := data(`{"me":null}`)
	with := func(user string) string { return bearer + withClaims("{"+user+`,"exp":4e9}`) }
	exchanges{
		{"the id and the email", ask(whoAmI, with(user1)), data(john)},
		{"the email in capitals", ask(whoAmI, with(`"id":1,"email":"JOHNDOE@EXAMPLE.COM"`)), data(john)},
		{"an id that nobody has", ask(whoAmI, with(`"id":2,"email":"johndoe@example.com"`)), gone},
		{"the id, another email", ask(whoAmI, with(`"id":1,"email":"jane@example.com"`)), gone},
	}.test(t, s)
}

// Someone who steals the file has hashes, each with a salt and as costly as -cost
// says. Someone who reads the log has nothing.
func Test2_PasswordsAreKeptAsHashes(t *testing.T) {
	s := newServer(t)
	s.cost, s.verbose = 5, true
	s.send(ask(johnSignsUp))
	s.send(ask(strings.Replace(johnSignsUp, "johndoe@", "johndoe2@", 1)))
	s.send(ask(whoAmI, bearer+s.token(johnLogsIn)))
	file, _ := os.ReadFile(s.file)
	hashes := regexp.MustCompile(`"password":"(.*?)"`).FindAllSubmatch(file, -1)
	if len(hashes) != 2 || bytes.Equal(hashes[0][1], hashes[1][1]) {
		t.Fatalf("not two different hashes of one password: %s", file)
	}
	for _, hash := range hashes {
		cost, err := bcrypt.Cost(hash[1])
		wrong := bcrypt.CompareHashAndPassword(hash[1], []byte("password"))
		if cost != 5 || err != nil || wrong != nil {
			t.Errorf("%s: cost %d, %v; %v; want a hash of cost 5", hash[1], cost, err, wrong)
		}
	}
	log := s.logged.String()
	if log == "" || strings.Contains(log, `"`) || strings.Contains(log, "eyJ") {
		t.Errorf("a password, a variable or a token is in the log:\n%s", log)
	}
}

// bcrypt is meant to be slow. If every password were hashed at once, all would be
// late. So there is a line, and nobody stands in it longer than is of use.
func Test2_PasswordsWaitInLine(t *testing.T) {
	whenBusy := func(name string, test func(t *testing.T, s *server)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.send(ask(johnSignsUp))
				for range runtime.GOMAXPROCS(0) {
					s.turns <- struct{}{} // as many as there are
				}
				test(t, s)
			})
		})
	}
	takes := func(t *testing.T, want time.Duration, do func()) {
		began := time.Now()
		if do(); time.Since(began) != want {
			t.Errorf("it took %v, want %v", time.Since(began), want)
		}
	}
	busy := failed("login", "1:12", "Too busy, try again later", "SERVICE_UNAVAILABLE")

	whenBusy("10 seconds at most", func(t *testing.T, s *server) {
		takes(t, 10*time.Second, func() { exchanges{{"login", ask(johnLogsIn), busy}}.test(t, s) })
		for _, cheap := range []string{whoAmI, loginOf("nobody@b", ""), johnSignsUp} {
			takes(t, 0, func() { s.send(ask(cheap)) })
		}
	})
	whenBusy("until there is room", func(t *testing.T, s *server) {
		time.AfterFunc(10*time.Second-1, func() { <-s.turns })
		token := s.token(johnLogsIn)
		exchanges{{"me", ask(whoAmI, bearer+token), data(john)}}.test(t, s)
		if len(s.turns) != cap(s.turns)-1 {
			t.Errorf("%d turns are taken", len(s.turns))
		}
	})
	whenBusy("an email can be taken meanwhile", func(t *testing.T, s *server) {
		replies := make(chan string)
		for range 2 {
			go func() { replies <- s.send(ask(strings.ReplaceAll(johnSignsUp, "john", "jane"))) }()
		}
		synctest.Wait()
		<-s.turns
		got := []string{<-replies, <-replies}
		slices.Sort(got) // {"data… before {"errors…
		want := failed("signup", "1:12", "Email already in use", "BAD_USER_INPUT")
		if !strings.HasPrefix(got[0], replied(`{"data":{"signup":"eyJ`)) || got[1] != want {
			t.Errorf("got %s\nwant a token, and %s", got, want)
		}
	})
	whenBusy("until the client leaves", func(t *testing.T, s *server) {
		ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
		defer leave()
		login := func() {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, parseRequest(ask(johnLogsIn)).WithContext(ctx))
			if got := w.Body.String(); !strings.HasSuffix(busy, got) {
				t.Errorf("the client left, and got %s", got)
			}
		}
		takes(t, 3*time.Second, login)
		<-s.turns
		for range 10 { // though there is room
			login()
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
	exchanges{
		{"the shortest query (§2.4)", ask(`{me{id}}`, token), me},
		{"a query with a name", ask(`query Me { me { id } }`, token), me},
		{"keys come in the order of the request", ask(`{ me { email id } }`, token),
			data(`{"me":{"email":"johndoe@example.com","id":1}}`)},
		{"white space, commas, comments and a BOM mean nothing (§2.1.7)",
			ask("\uFEFF{,me#comment }\r\n{\tid,,}}", token), me},
		{"descriptions (§2.2)", ask(`"Who?" query A("by" $if: Boolean = true) {
			me { ...F @include(if: $if) } } """Mine""" fragment F on User { id }`, token), me},
		{"aliases (§2.8)", ask(`{ a: me { b: id, c: id } me { id } }`, token),
			data(`{"a":{"b":1,"c":1},"me":{"id":1}}`)},
		{"fragments, spread and inline (§2.9)", ask(`{ me { ...A ... { username }
			... on User { email } } } fragment A on User { ...B } fragment B on User { id }`, token),
			data(`{"me":{"id":1,"username":"johndoe","email":"johndoe@example.com"}}`)},
		{"fields of one key are merged (§5.3.2)",
			ask(`{ me { id } x: __typename me { email id } }`, token),
			data(`{"me":{"id":1,"email":"johndoe@example.com"},"x":"Query"}`)},
		{"of many keys, too",
			ask(`{ me { a:id b:id c:id d:id e:id f:id g:id h:id i:id j:id b:id } }`, token),
			data(`{"me":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}}`)},
		{"in whatever order their arguments stand",
			ask(`mutation { login(email: "a", password: "\u0062") login(password: "b", email: "a") }`),
			failed("login", "1:12 1:50", "No user with that email", "UNAUTHENTICATED")},
		{"@skip and @include (§3.13)", ask(`{ me { id @skip(if: true) username @include(if: true)
			... @skip(if: false) { x: id } ... @include(if: false) { y: id } } }`, token),
			data(`{"me":{"username":"johndoe","x":1}}`)},
		{"both of them: each can leave out", ask(`{ me { id x: id @skip(if: false)
			@include(if: false) y: id @skip(if: true) @include(if: true) } }`, token), me},
		{"a fragment left out in one place is taken in another",
			ask(`{ me { ...F @skip(if: true) ...F } } fragment F on User { id }`, token), me},
		{"__typename is everywhere (§4.1)", ask(`{ __typename me { __typename } }`, token),
			data(`{"__typename":"Query","me":{"__typename":"User"}}`)},
		{"a mutation that changes nothing", ask(`mutation { __typename }`),
			data(`{"__typename":"Mutation"}`)},
	}.test(t, s)

	two := `query A { a: __typename } query B { b: __typename }`
	exchanges{
		{"the request names the operation (§6.1)", askFor(two, `"operationName":"B"`),
			data(`{"b":"Query"}`)},
		{"it has to, where there are several", askFor(two, `"operationName":null`),
			invalid("Must provide operation name if query contains multiple operations.", "")},
		{"a name that is none", askFor(two, `"operationName":"C"`),
			invalid(`Unknown operation named "C".`, "")},
		{"an empty one is none, too", askFor(`{ __typename }`, `"operationName":""`),
			invalid(`Unknown operation named "".`, "")},
	}.test(t, s)
}

// Strings reach the resolvers as the client meant them (§2.10.4).
func Test3_Strings(t *testing.T) {
	s := newServer(t)
	for i, test := range []struct{ literal, want string }{
		{`"\" \\ \/ \b \f \n \r \t."`, "\" \\ / \b \f \n \r \t."},
		{`"é\u00e9\u{E9}\u{0000E9}"`, "éééé"},
		{`"\ud83d\ude00\u{1F600}😀"`, "😀😀😀"},
		{`"\ufffd\u{10FFFF}\u{D7FF}"`, "\ufffd\U0010FFFF\ud7ff"},
		{`"""\n \u0041 " "" \""" ."""`, `\n \u0041 " "" """ .`},
		{"\"\"\"first\n    a\n\n      b\r    c\r\n  \n\"\"\"", "first\na\n\n  b\nc"},
		{"\"\"\"\n\t\n  a\n b\"\"\"", "a\nb"},
	} {
		token := s.token(fmt.Sprintf(`mutation { signup(username: %s, email: "%d@b", `+
			`password: "password") }`, test.literal, i))
		exchanges{{test.literal, ask(`{ me { username } }`, bearer+token),
			data(`{"me":{"username":` + quoted(test.want) + `}}`)}}.test(t, s)
	}
	exchanges{{"empty", ask(`{ a: __type(name: "") { name } b: __type(name: """""") { name } }`),
		data(`{"a":null,"b":null}`)}}.test(t, s)
}

// Variables are JSON beside the document, so no client has to write their values into
// its text. Each has to be of its type (§6.1.2).
func Test3_Variables(t *testing.T) {
	const name = `query ($x: String!) { __type(name: $x) { name } }`
	const optional = `query ($x: String = "Int") { __type(name: $x) { name } }`
	const skip = `query ($x: Boolean = true) { __typename @skip(if: $x) }`
	const values = `query ($x: Boolean) { __type(name: "Int") { enumValues(includeDeprecated: $x) { name } } }`
	user, integer := data(`{"__type":{"name":"User"}}`), data(`{"__type":{"name":"Int"}}`)
	none := data(`{"__type":{"enumValues":null}}`)
	refuse := func(message string) string { return invalid(`Variable "$x" `+message, "1:8") }
	not := func(value string) string {
		return refuse("got invalid value " + value +
			"; String cannot represent a non string value: " + value)
	}
	const notNull = `Argument "if" of non-null type "Boolean!" must not be null.`
	exchanges{
		{"a string", askWith(name, `{"x":"User"}`), user},
		{"others are ignored", askWith(name, `{"x":"User","y":1e999}`), user},
		{"a default", askWith(optional, `{}`), integer},
		{"a value instead of the default", askWith(optional, `{"x":"User"}`), user},
		{"a Boolean", askWith(skip, `{"x":false}`), typename},
		{"an optional argument, left out", askWith(values, `{}`), none},
		{"null, where it may stand", askWith(values, `{"x":null}`), none},
		{"missing", askWith(name, `{}`), refuse(`of required type "String!" was not provided.`)},
		{"null", askWith(name, `{"x":null}`), refuse(`of non-null type "String!" must not be null.`)},
		{"a number", askWith(name, `{"x":100}`), not("100")},
		{"a fraction", askWith(name, `{"x":0.5}`), not("0.5")},
		{"a number too large for Go", askWith(name, `{"x":1e400}`), not("1e400")},
		{"a Boolean for a String", askWith(name, `{"x":true}`), not("true")},
		{"an object", askWith(name, `{"x":{"a":[1]}}`), not(`{"a":[1]}`)},
		{"a string for a Boolean", askWith(skip, `{"x":"<true>"}`), refuse(`got invalid value ` +
			`"<true>"; Boolean cannot represent a non boolean value: "<true>"`)},
		{"null in place of the default", askWith(skip, `{"x":null}`),
			replied(`{"errors":[` + errorAt(notNull, "1:51") + `],"data":null}`)},
		{"the same inside of a list", askWith(`query ($x: Boolean = true) {
			a: __typename __type(name: "User") { fields { name @skip(if: $x) } } }`, `{"x":null}`),
			replied(`{"errors":[` + errorAt(notNull, "2:65", "__type", "fields", 0) +
				`],"data":{"a":"Query","__type":{"fields":null}}}`)},
	}.test(t, newServer(t))
}

// Every client can ask for the schema. It is told what the texts in the program say.
func Test3_Introspection(t *testing.T) {
	s := newServer(t)
	field := func(name, typ string) string {
		return `{"name":"` + name + `","args":[],"type":{"kind":"NON_NULL","name":null,"ofType":` +
			`{"kind":"SCALAR","name":"` + typ + `"}},"isDeprecated":false,"deprecationReason":null}`
	}
	exchanges{
		{"a type", ask(`{ __type(name: "User") { kind name description specifiedByURL isOneOf
			fields { name args { name } type { kind name ofType { kind name } } isDeprecated
			deprecationReason } interfaces { name } possibleTypes { name } enumValues { name }
			inputFields { name } ofType { name } } }`),
			data(`{"__type":{"kind":"OBJECT","name":"User","description":null,"specifiedByURL":null,` +
				`"isOneOf":null,"fields":[` + field("id", "Int") + `,` + field("username", "String") +
				`,` + field("email", "String") + `],"interfaces":[],"possibleTypes":null,` +
				`"enumValues":null,"inputFields":null,"ofType":null}}`)},
		{"no such type", ask(`{ a: __type(name: "Float") { name } b: __type(name: "__Meta") { name } }`),
			data(`{"a":null,"b":null}`)},
		{"the roots", ask(`{ __schema { description queryType { name } mutationType { name }
			subscriptionType { name } } }`), data(`{"__schema":{"description":null,` +
			`"queryType":{"name":"Query"},"mutationType":{"name":"Mutation"},"subscriptionType":null}}`)},
	}.test(t, s)

	_, reply, _ := strings.Cut(s.send(ask(introspectionQuery)), "\n\n")
	var got struct {
		Data struct {
			Schema struct{ Types, Directives []described } `json:"__schema"`
		}
	}
	json.Unmarshal([]byte(reply), &got)
	names, texts := "", strings.Join(strings.Fields(typeDefs+builtinDefs), " ")
	for _, d := range append(got.Data.Schema.Types, got.Data.Schema.Directives...) {
		names += d.Name + " "
		if !strings.Contains(texts, d.definition()) {
			t.Errorf("introspection says %s", d.definition())
		}
	}
	if names != "User Int String Query Mutation Boolean __Schema __Type __TypeKind __Field "+
		"__InputValue __EnumValue __Directive __DirectiveLocation "+
		"include skip deprecated specifiedBy oneOf " {
		t.Errorf("introspection lists %s", names)
	}
}

// A described is a type or a part of one, or a directive, as introspection has it.
type described struct {
	Kind, Name, DefaultValue string
	Fields, EnumValues, Args []described
	Type, OfType             *described
	Locations                []string
}

// definition writes it in the schema definition language.
func (d described) definition() string {
	each := func(list []described, between string) string {
		var texts []string
		for _, item := range list {
			texts = append(texts, item.definition())
		}
		return strings.Join(texts, between)
	}
	text := d.Name
	if len(d.Args) > 0 {
		text += "(" + each(d.Args, ", ") + ")"
	}
	if d.Type != nil {
		text += ": " + d.Type.definition()
	}
	if d.DefaultValue != "" {
		text += " = " + d.DefaultValue
	}
	switch {
	case d.Locations != nil:
		return "directive @" + text + " on " + strings.Join(d.Locations, " | ")
	case d.Fields != nil:
		return "type " + text + " { " + each(d.Fields, " ") + " }"
	case d.EnumValues != nil:
		return "enum " + text + " { " + each(d.EnumValues, " ") + " }"
	case d.Kind == "NON_NULL":
		return d.OfType.definition() + "!"
	case d.Kind == "LIST":
		return "[" + d.OfType.definition() + "]"
	}
	return text
}

// A document that can't be read is refused where the first thing is wrong. Lines
// and columns count from 1; columns are UTF-16 code units, as editors count them.
func Test3_SyntaxErrors(t *testing.T) {
	rows := exchanges{}
	for _, row := range []struct{ document, message, at string }{
		{"{ me { id }", "Expected Name, found <EOF>.", "1:12"},
		{"{ me { id } } }", `Unexpected "}".`, "1:15"},
		{"{ me { id }\n\r\r\n  é }", "Unexpected character: U+00E9.", "4:3"},
		{"# 😀é\n{ x(a: \"é😀\", b: \"\"\"\n😀\"\"\" c?) }", `Unexpected character: "?".`, "3:8"},
		{"{ x(a: 'b') }", "Unexpected single quote character ('), " +
			`did you mean to use a double quote (")?`, "1:8"},
		{"{ x(a: \"b\nc\") }", "Unterminated string.", "1:10"},

		{"\uFEFF\t", "Unexpected <EOF>.", "1:3"},
		{"{ a: ... }", `Expected Name, found "...".`, "1:6"},
		{"{ a: -1.5e-3 }", `Expected Name, found Float "-1.5e-3".`, "1:6"},
		{`{ a: """b""" }`, `Expected Name, found BlockString "b".`, "1:6"},
		{"{ .. }", `Unexpected character: ".".`, "1:3"},
		{"{ x(a: 01) }", `Invalid number, unexpected digit after 0: "1".`, "1:9"},
		{"{ x(a: -) }", `Invalid number, expected digit but got: ")".`, "1:9"},
		{"{ x(a: 1.", `Invalid number, expected digit but got: <EOF>.`, "1:10"},
		{"{ x(a: 1e+\x7f", `Invalid number, expected digit but got: U+007F.`, "1:11"},
		{"{ x(a: 1.5E3.", `Invalid number, expected digit but got: ".".`, "1:13"},
		{"{ x(a: 0x1) }", `Invalid number, expected digit but got: "x".`, "1:9"},
		{"{ x(a: 1e\"", `Invalid number, expected digit but got: '"'.`, "1:10"},
		{"{ x(a: \"\"\"b\n\"", "Unterminated string.", "2:2"},
		{`{ x(a: "\x") }`, `Invalid character escape sequence: "\x".`, "1:9"},
		{`{ x(a: "\u12G4") }`, `Invalid Unicode escape sequence: "\u12G4".`, "1:9"},
		{`{ x(a: "\u{110000}") }`, `Invalid Unicode escape sequence: "\u{110000}".`, "1:9"},
		{`{ x(a: "\ud83d\u0041") }`, `Invalid Unicode escape sequence: "\ud83d".`, "1:9"},
		{"query ($x: Int = $y) { x }", `Unexpected variable "$y" in constant value.`, "1:18"},
		{"query ($x: Int = $) { x }", `Unexpected "$".`, "1:18"},
		{"query ($x: A @a(b: $x)) { x }", `Unexpected variable "$x" in constant value.`, "1:20"},
		{"query ($x) { x }", `Expected ":", found ")".`, "1:10"},
		{"query ($x: [Int) { x }", `Expected "]", found ")".`, "1:16"},
		{"query A($x: Int = 1) x", `Expected "{", found Name "x".`, "1:22"},
		{"{ x(a: {b 1}) }", `Expected ":", found Int "1".`, "1:11"},
		{"{ ... }", `Expected "{", found "}".`, "1:7"},
		{"fragment on on User { id }", `Unexpected Name "on".`, "1:10"},
		{"fragment F User { id }", `Expected "on", found Name "User".`, "1:12"},
		{`"a" type A { b: C }`, `Unexpected Name "type".`, "1:5"},
		{`"a" { x }`, "Unexpected description, " +
			"descriptions are not supported on shorthand queries.", "1:1"},
		{`"a" quer { x }`, "Unexpected description, " +
			"only GraphQL definitions support descriptions.", "1:1"},
	} {
		rows = append(rows, exchange{row.document, ask(row.document),
			invalid("Syntax Error: "+row.message, row.at)})
	}
	rows.test(t, newServer(t))
}

// A document that can be read is refused if it can't be run. There is a row or more
// for each rule of §5; the messages are those of graphql-js.
func Test3_ValidationErrors(t *testing.T) {
	const conflict = `Fields "a" conflict because they ask for different things. ` +
		`Use different aliases on the fields to fetch both if this was intentional.`
	const spread = " cannot be spread here as objects of type \"User\" can never be of type \"Query\"."
	const position = " used in position expecting type \"Boolean!\"."
	rows := exchanges{}
	for _, row := range []struct{ document, message, at string }{
		{"subscription { me { id } }", // §5.2.1.1
			"Schema is not configured to execute subscription operation.", "1:1"},
		{"query A { me { id } } query A { me { id } }", // §5.2.2.1
			`There can be only one operation named "A".`, "1:7 1:29"},
		{"query A { me { id } } { me { id } }", // §5.2.3.1
			"This anonymous operation must be the only defined operation.", "1:23"},
		{"{ me { password } }", `Cannot query field "password" on type "User".`, "1:8"}, // §5.3.1
		{"{ me { __schema { a } } }", `Cannot query field "__schema" on type "User".`, "1:8"},
		{"{ me { a: id a: email } }", conflict, "1:8 1:14"}, // §5.3.2
		{`{ a: __type(name: "A") { name } a: __type(name: "B") { name } }`, conflict, "1:3 1:33"},
		{`{ a: __type(name: "A") { name } a: __type(name: """A""") { name } }`, conflict, "1:3 1:33"},
		{`{ __type(name: "A") { a: fields { name } a: fields(includeDeprecated: true) { name } } }`,
			conflict, "1:23 1:42"},
		{"{ me { a: id } ... { me { id } me { a: email } } }", conflict, "1:8 1:37"},
		{"{ me { ...F a: id } } fragment F on User { ...G } fragment G on User { a: email }",
			conflict, "1:72 1:13"},
		{"{ me }", `Field "me" of type "User" must have a selection of subfields.`, "1:3"}, // §5.3.3
		{"{ me { id { x } } }",
			`Field "id" must not have a selection since type "Int!" has no subfields.`, "1:11"},
		{"{ me(id: 1) { id } }", `Unknown argument "id" on field "Query.me".`, "1:6"}, // §5.4.1
		{"{ me { id @skip(if: true, x: 1) } }",
			`Unknown argument "x" on directive "@skip".`, "1:27"},
		{`{ __type(name: "A", name: "A") { name } }`, // §5.4.2
			`There can be only one argument named "name".`, "1:10 1:21"},
		{"{ __type { name } }", `Field "__type" argument "name" of type "String!" is required, ` +
			`but it was not provided.`, "1:3"}, // §5.4.3
		{"{ me { id @skip } }", `Directive "@skip" argument "if" of type "Boolean!" is required, ` +
			`but it was not provided.`, "1:11"},
		{"{ me { ...F } } fragment F on User { id } fragment F on User { id }", // §5.5.1.1
			`There can be only one fragment named "F".`, "1:26 1:52"},
		{"{ me { ... on Users { id } } }", `Unknown type "Users".`, "1:15"}, // §5.5.1.2
		{"query ($x: [Float]) { __typename @skip(if: $x) }", `Unknown type "Float".`, "1:13"},
		{"{ me { ... on Int { id } } }", // §5.5.1.3
			`Fragment cannot condition on non composite type "Int".`, "1:15"},
		{"{ me { ...F } } fragment F on Int { id }",
			`Fragment "F" cannot condition on non composite type "Int".`, "1:31"},
		{"{ me { id } } fragment F on User { id }", `Fragment "F" is never used.`, "1:15"}, // §5.5.1.4
		{"{ me { ...F } }", `Unknown fragment "F".`, "1:11"},                               // §5.5.2.1
		{"{ me { ...F } } fragment F on User { ...F }", // §5.5.2.2
			`Cannot spread fragment "F" within itself.`, "1:38"},
		{"{ me { ...F } } fragment F on User { ...G } fragment G on User { ...F }",
			`Cannot spread fragment "F" within itself via "G".`, "1:38 1:66"},
		{"{ me { ... on Query { __typename } } }", "Fragment" + spread, "1:8"}, // §5.5.2.3
		{"{ me { ...F } } fragment F on Query { __typename }", `Fragment "F"` + spread, "1:8"},
		{"{ __type(name: 1) { name } }", "String cannot represent a non string value: 1", "1:16"}, // §5.6.1
		{"{ __type(name: null) { name } }", `Expected value of type "String!", found null.`, "1:16"},
		{"{ __type(name: [{a: A}, $x]) { name } }",
			"String cannot represent a non string value: [{a: A}, $x]", "1:16"},
		{`query ($x: String = true) { __type(name: $x) { name } }`,
			`String cannot represent a non string value: true`, "1:21"},
		{"{ me { id @a } }", `Unknown directive "@a".`, "1:11"}, // §5.7.1
		{"{ me { ...F } } fragment F on User @b { id }", `Unknown directive "@b".`, "1:36"},
		{"query @skip(if: true) { me { id } }", // §5.7.2
			`Directive "@skip" may not be used on QUERY.`, "1:7"},
		{"query ($x: Boolean! @skip(if: true)) { __typename @skip(if: $x) }",
			`Directive "@skip" may not be used on VARIABLE_DEFINITION.`, "1:21"},
		{"{ me { id @skip(if: true) @skip(if: true) } }", // §5.7.3
			`The directive "@skip" can only be used once at this location.`, "1:11 1:27"},
		{"query ($x: Boolean!, $x: Boolean!) { __typename @skip(if: $x) }", // §5.8.1
			`There can be only one variable named "$x".`, "1:9 1:23"},
		{"query ($x: [User]) { me { id } }", // §5.8.2
			`Variable "$x" cannot be non-input type "[User]".`, "1:12"},
		{"{ __typename @skip(if: $x) }", `Variable "$x" is not defined.`, "1:24 1:1"}, // §5.8.3
		{"query A { me { ...F } } fragment F on User { id @skip(if: $x) }",
			`Variable "$x" is not defined by operation "A".`, "1:59 1:1"},
		{"query ($x: Int) { me { id } }", `Variable "$x" is never used.`, "1:8"}, // §5.8.4
		{"query A($x: Int) { me { id } }", `Variable "$x" is never used in operation "A".`, "1:9"},
		{"query ($x: Boolean) { __typename @skip(if: $x) }", // §5.8.5
			`Variable "$x" of type "Boolean"` + position, "1:8 1:44"},
		{"query ($x: Boolean = null) { __typename @skip(if: $x) }",
			`Variable "$x" of type "Boolean"` + position, "1:8 1:51"},
		{"query ($x: [Boolean!]! = []) { __typename @skip(if: $x) }",
			`Variable "$x" of type "[Boolean!]!"` + position, "1:8 1:53"},
	} {
		rows = append(rows, exchange{row.document, ask(row.document), invalid(row.message, row.at)})
	}
	rows.test(t, newServer(t))
}

// A field that fails is null; the others are there. The error names every place
// that asked for it, and the way to it in the data (§7.1.6).
func Test3_FieldErrors(t *testing.T) {
	login := failed("login", "1:12", "No user with that email", "UNAUTHENTICATED")
	exchanges{
		{"asked for twice, merged", ask("{ me { id }\n  me { email } }"),
			failed("me", "1:3 2:3", "You are not authenticated!", "UNAUTHENTICATED")},
		{"two fields, two errors", ask(`{ a: me { id } b: me { id } }`), replied(`{"errors":[` +
			`{"message":"You are not authenticated!","locations":[{"line":1,"column":3}],` +
			`"path":["a"],"extensions":{"code":"UNAUTHENTICATED"}},` +
			`{"message":"You are not authenticated!","locations":[{"line":1,"column":16}],` +
			`"path":["b"],"extensions":{"code":"UNAUTHENTICATED"}}],"data":{"a":null,"b":null}}`)},
		{"a mutation goes on after an error",
			ask(`mutation { login(email: "a@b", password: "") b: __typename }`),
			strings.Replace(login, "null}}", `null,"b":"Mutation"}}`, 1)},
	}.test(t, newServer(t))
}

// The first thing a class does is to add a field. If the server can't serve a schema, it
// says so at its start, instead of failing a request.
func Test3_ASchemaThatGrows(t *testing.T) {
	const typeDefs = `
		"A part of a list." type Page { number: Int! kinds: [Kind!]! next: Page total: Int! ok: Boolean }
		enum Kind { OLD NEW }
		type Query {
			page(number: Int = 1, title: String, last: Boolean! = false): Page
			pages(first: Int!): [Page!]
		}`
	resolvers := map[string]resolver{
		"Query.page": func(_ context.Context, args map[string]any) (any, error) {
			number, isInt := args["number"].(int)
			next := object{"number": number + 1, "kinds": []any{"NEW", "UNKNOWN"}, "total": 1 << 31}
			return object{"number": number, "kinds": []any{"OLD"}, "ok": isInt, "next": next}, nil
		},
		"Query.pages": func(_ context.Context, args map[string]any) (any, error) {
			return []any{object{"number": args["first"], "total": 1}, object{"number": nil}}, nil
		},
	}
	s := newServer(t)
	var err error
	if s.schema, err = newSchema(typeDefs, resolvers); err != nil {
		t.Fatal(err)
	}
	const byVariable = `query ($n: Int) { page(number: $n) { number ok } }`
	const required = `query ($n: Int!) { pages(first: $n) { number } }`
	page := func(number string) string { return data(`{"page":{"number":` + number + `,"ok":true}}`) }
	failure := func(data, message, at string, path ...any) string {
		return replied(`{"errors":[` + errorAt(message, at, path...) + `],"data":` + data + `}`)
	}
	got := `Variable "$n" got invalid value `
	const notInt32 = "Int cannot represent non 32-bit signed integer value: 2147483648"
	exchanges{
		{"a list of enums", ask(`{ page { kinds } }`), data(`{"page":{"kinds":["OLD"]}}`)},
		{"an Int", ask(`{ page(number: -2147483648) { number ok } }`), page("-2147483648")},
		{"an Int of JSON", askWith(byVariable, `{"n":2147483647.0}`), page("2147483647")},
		{"null", askWith(byVariable, `{"n":null}`), data(`{"page":{"number":0,"ok":false}}`)},
		{"left out", askWith(byVariable, `{}`), page("1")},
		{"too large", ask(`{ page(number: 2147483648) { number } }`), invalid(notInt32, "1:16")},
		{"too large", askWith(required, `{"n":2147483648}`),
			invalid(got+`2147483648; `+notInt32, "1:8")},
		{"a fraction", ask(`{ page(number: 1.0) { number } }`),
			invalid(`Int cannot represent non-integer value: 1.0`, "1:16")},
		{"a fraction", askWith(required, `{"n":1.5}`),
			invalid(got+`1.5; Int cannot represent non-integer value: 1.5`, "1:8")},

		{"null where it may not be makes null of what is around it", ask(`{ page { total } }`),
			failure(`{"page":null}`, "Cannot return null for non-nullable field Page.total.", "1:10",
				"page", "total")},
		{"in a list", ask(`{ pages(first: 1) { number } }`), failure(`{"pages":null}`,
			"Cannot return null for non-nullable field Page.number.", "1:21", "pages", 1, "number")},
		{"no value of the enum", ask(`{ page { number next { kinds } } }`),
			failure(`{"page":{"number":1,"next":null}}`,
				`Expected a value of type "Kind!" for field Page.kinds.`, "1:24", "page", "next", "kinds", 1)},
		{"no Int", ask(`{ page { next { total } } }`), failure(`{"page":{"next":null}}`,
			`Expected a value of type "Int!" for field Page.total.`, "1:17", "page", "next", "total")},
		{"a description", ask(`{ __type(name: "Page") { description } }`),
			data(`{"__type":{"description":"A part of a list."}}`)},
		{"no mutations", ask(`{ __schema { mutationType { name } } }`),
			data(`{"__schema":{"mutationType":null}}`)},
		{"no mutations", ask(`mutation { x }`),
			invalid("Schema is not configured to execute mutation operation.", "1:1")},
	}.test(t, s)

	for text, want := range map[string]string{
		"interface Page { id: Int }":           "interface Page can't be served",
		"union Page = A":                       "union Page can't be served",
		"input Page { id: Int }":               "input Page can't be served",
		"type A implements B { c: A }":         "type A can't be served",
		"schema { query: Query }":              "schema can't be served",
		"scalar Date":                          "Date is defined twice, or a scalar",
		"type Query { page: Int }":             "Query is defined twice, or a scalar",
		"type A { b: ID }":                     "A.b is of type ID, which is not defined",
		"type A { b: [Float!]! }":              "A.b is of type [Float!]!, which is not defined",
		"type A { b(x: [Int]): Int }":          "A.b(x:): an argument must be an Int, a String or a Boolean",
		"enum K { A } type A { b(x: K): Int }": "A.b(x:): an argument must be",
		"type A { b(x: Int = 1.5): Int }":      "A.b(x:): Int cannot represent non-integer value: 1.5",
		"type A { b c: Int }":                  "A.b: a field has a type",
		"type Mutation { a: Int }":             "Mutation.a has no resolver",
		"{ page }":                             "it can have types and enums, and nothing else",
		"type A {\n b: A":                      "line 2: Syntax Error: Expected Name, found <EOF>.",
	} {
		_, err := newSchema(text+" type Query { page: Int pages: Int }", resolvers)
		if strings.HasSuffix(want, "<EOF>.") {
			_, err = newSchema(text, resolvers)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "schema: "+want) {
			t.Errorf("newSchema(%s): %v, want schema: %s", text, err, want)
		}
	}
	_, noQuery := newSchema("type A { b: Int }", nil)
	_, noField := newSchema("type Query { page: Int }", resolvers)
	if fmt.Sprint(noQuery, " ", noField) != "schema: there is no type Query schema: there is a resolver for "+
		"Query.pages, which is no field of Query or Mutation" {
		t.Errorf("no Query: %v; no field: %v", noQuery, noField)
	}
}

// A request of a few bytes must not cost much, nor one of 100 KiB, of whatever shape. Each
// of the later rows once stopped a server, this one or another.
func Test3_WhatOneRequestMayCost(t *testing.T) {
	const (
		tooDeep  = "Syntax Error: Nested more than 200 levels deep."
		tooLarge = "The reply is too large: at most 1 MiB"
		nobody   = "You are not authenticated!"
		noUser   = "No user with that email"
		login    = ` a%d: login(email: "", password: "")`
	)
	repeat := func(n int, format string) string { // with each number in place of %d
		text := strings.Builder{}
		for i := range n {
			text.WriteString(strings.ReplaceAll(format, "%d", strconv.Itoa(i)))
		}
		return text.String()
	}
	nested := "{ __schema { types " + strings.Repeat("{ ofType ", 197) + "{ name }"
	inRow, doubling, long := "", "", strings.Repeat("k", 90_000)
	for i := range 1200 {
		inRow = fmt.Sprintf(" fragment F%d on User { ...F%d }", i+1, i) + inRow
	}
	for i := range 60 {
		doubling += fmt.Sprintf(" fragment F%d on __Type { a: ofType { ...F%[2]d } b: ofType { ...F%[2]d } }", i, i+1)
	}
	shown := long[:200] + "…"
	s := newServer(t)
	for _, row := range []struct{ name, document, want string }{
		{"sets 200 deep", nested + strings.Repeat(" }", 199), ""},
		{"sets 201 deep", nested[:len(nested)-8] + "{ ofType { name }", tooDeep},
		{"sets, a list, objects: counted together",
			"{ a { b(c: " + strings.Repeat("[", 99) + strings.Repeat("{d:", 100), tooDeep},
		{"a type 200 deep", "query ($x: " + strings.Repeat("[", 200),
			"Syntax Error: Expected Name, found <EOF>."},
		{"a type 201 deep", "query ($x: " + strings.Repeat("[", 201), tooDeep},
		{"1,000 side by side",
			"query (" + repeat(1000, "$x%d:[A]") + ") {" + repeat(1000, " a%d: b(c: [{}]) { d }") + " }",
			`Unknown type "A".`},
		{"10 logins", "mutation { __typename" + repeat(10, login) + " }", noUser},
		{"11 logins", "mutation {" + repeat(11, login) + " }",
			"At most 10 signup and login fields in one operation"},
		{"11 logins, one left out", "mutation {" + repeat(10, login) +
			" a: login(email: \"\", password: \"\") @skip(if: true) }", noUser},
		{"10,000 fields", "{ me {" + repeat(9_999, " id") + " } }", nobody},
		{"10,001 fields", "{ me {" + repeat(10_000, " id") + " } }", tooManyFields},
		{"arguments and directives count", "{ me {" + repeat(3_333, " id @skip(if: true)") + " } }", nobody},
		{"one more", "{ me {" + repeat(3_333, " id @skip(if: true)") + " x } }", tooManyFields},
		{"10,000 fields, by way of fragments", "{" + repeat(10, " a%d: me { ...F }") +
			" } fragment F on User {" + repeat(998, " id") + " }", nobody},
		{"10 more", "{" + repeat(10, " a%d: me { ...F }") +
			" } fragment F on User {" + repeat(999, " id") + " }", tooManyFields},
		{"fragments that double 60 times", "{ __schema { queryType { ...F0 } } }" + doubling +
			" fragment F60 on __Type { name }", tooManyFields},
		{"100 operations that share a fragment", repeat(100, "query Q%d { me { ...F } }") +
			"fragment F on User {" + repeat(100, " id") + " }", tooManyFields},
		{"1,200 fragments in a row", "{ me { ...F1200 } } fragment F0 on User { id }" + inRow, nobody},
		{"a cycle of 1,200", "{ me { ...F1200 } } fragment F0 on User { ...F1200 }" + inRow,
			`Cannot spread fragment "F0" within itself via "F1200", "F1199"`},

		{"an alias of 90,000 letters at each of many types", "{ __schema { types { fields { type { " +
			"fields { type { " + long + ": name } } } } } } }", tooLarge},
		{"a thousand aliases at each of many types", "{ __schema { types {" +
			repeat(1000, " a%d: fields { name type { kind name } }") + " } } }", tooLarge},
		{"many arguments, again and again", "{" + repeat(3000, " a%d: me { ...F }") +
			" } fragment F on User { id(" + repeat(5000, " x%d: 1") + ") }", tooManyFields},
		{"16,000 usages and a long name", "query " + long[:49_000] + " { __typename(x: [" +
			repeat(16_000, "$a ") + "]) }", `Unknown argument "x" on field "Query.__typename".`},
		{"6,000 unused variables and a long name", "query " + long[:30_000] + " (" +
			repeat(6_000, "$a%d:Int ") + ") { __typename }",
			`Variable "$a0" is never used in operation "` + shown + `".`},
		{"a field with a long name", "{ " + long + " }",
			`Cannot query field "` + shown + `" on type "Query".`},
		{"an error under a long alias", "{ " + long + ": me { id } }", nobody},
		{"a long string", `{ __typename @skip(if: "é` + long + `") }`,
			`Boolean cannot represent a non boolean value: "é` + long[:197] + "…"},
		{"types 190 deep", "query (" + repeat(250, "$x%d:"+strings.Repeat("[", 190)+"User"+
			strings.Repeat("]", 190)) + ") { me { id } }", `Variable "$x0" cannot be non-input type "`},
		{"merged 4,900 times, after a long comment", "#" + long[:50_000] + "\n{" +
			repeat(4_900, " me{id}") + " }", nobody},
		{"null 1,500 times", "query ($x: Boolean = true) {" +
			repeat(1_500, ` a%d: __type(name: "Int") { name @skip(if: $x) }`) + " }",
			`Argument "if" of non-null type "Boolean!" must not be null.`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, got, _ := strings.Cut(s.send(askWith(row.document, `{"x":null}`)), "\n\n")
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		want := `{"errors":[{"message":"` + strings.ReplaceAll(row.want, `"`, `\"`)
		if row.want == "" {
			want = `{"data":`
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.60s…\n got %.300s\nwant %s", row.name, row.document, got, want)
		}
		errors, allocated := strings.Count(got, `"message":`), (after.TotalAlloc-before.TotalAlloc)>>20
		if errors > 100 || len(got) > 1<<20 || allocated > 64 || took > 3*time.Second {
			t.Errorf("%s: %d errors, a reply of %d bytes, %d MiB of memory, %v",
				row.name, errors, len(got), allocated, took)
		}
	}
}

// -----------------------------------------------------------------------------
// 4 HTTP: GraphQL over HTTP, and what else a browser or an attacker may send
// -----------------------------------------------------------------------------

var typename = data(`{"__typename":"Query"}`)

// A GET can be sent by a link on any page, so it changes nothing.
func Test4_Methods(t *testing.T) {
	onlyPost := refused(405, "Use POST for mutations", "Allow: POST")
	unreadable := refused(400, "The query of the URL can't be read")
	notFound := refused(404, "Not found: GraphQL is at /api")
	all := url.Values{"query": {"query Q($n: String!) { __type(name: $n) { name } }"},
		"variables": {`{"n":"User"}`}, "operationName": {"Q"}, "extensions": {"null"}}
	exchanges{
		{"POST", ask("{ __typename }"), typename},
		{"GET", "GET /api?query={__typename}\n\n", typename},
		{"variables that are null", "GET /api?query={__typename}&variables=%20null%20\n\n", typename},
		{"empty variables", "GET /api?query={__typename}&variables=&x\n\n", typename},
		{"in a browser", "GET /api?query={__typename}\nAccept: text/html,*/*;q=0.8\n\n", typename},
		{"HEAD is GET without its body", "HEAD /api?query={__typename}\n\n", typename},
		{"GET, all there is", "GET /api?" + all.Encode() + "\n\n", data(`{"__type":{"name":"User"}}`)},
		{"GET, a mutation", "GET /api?query=mutation{__typename}\n\n", onlyPost},
		{"HEAD, a mutation", "HEAD /api?query=mutation{__typename}\n\n", onlyPost},
		{"GET, no query", "GET /api\n\n", refused(400, "query must be a string")},
		{"variables that are no JSON", "GET /api?query={__typename}&variables={\n\n", unreadable},
		{"a bad escape", "GET /api?query=%7g\n\n", unreadable},
		{"not UTF-8", "GET /api?query=%ff\n\n", unreadable},
		{"PUT", "PUT /api\n\n",
			refused(405, "Use POST, or GET for queries", "Allow: GET, HEAD, POST, OPTIONS")},
		{"another path", "POST /graphql\n\n", notFound},
		{"a longer path", "GET /api/\n\n", notFound},
		{"the root leads here", "GET /\n\n", "302 Found\nLocation: /api\n\n"},
		{"but only with GET", "POST /\n\n", notFound},
	}.test(t, newServer(t))
}

// application/json came first: it is the default, and has status 200 even for a
// document that is refused. application/graphql-response+json tells them apart.
func Test4_ContentTypes(t *testing.T) {
	const plain, graphql = "application/json", "application/graphql-response+json"
	s := newServer(t)
	for accept, want := range map[string]string{
		"":              plain,
		"*/*":           plain,
		"application/*": plain,
		plain:           plain,
		graphql:         graphql,
		"Application/GraphQL-Response+JSON ; charset=utf-8": graphql,
		graphql + "," + plain + ";q=0.9":                    graphql,
		graphql + ";q=0.8, " + plain + ";q=0.9":             plain,
		plain + ", " + graphql:                              plain, // the first of equals
		graphql + ", " + plain + ", text/event-stream":      graphql,
		"text/html, */*;q=0.1":                              plain,
		plain + ";q=0, */*":                                 graphql,
		"*/*, " + graphql + ";q=0.5":                        plain,
		"text/html":                                         "",
		plain + ";q=0":                                      "",
	} {
		head := "\nContent-Type: " + want + "; charset=utf-8\n\n"
		good := "200 OK" + head + `{"data":{"__typename":"Query"}}`
		bad := "200 OK" + head + `{"errors":[` + errorAt("Syntax Error: Expected Name, found <EOF>.", "1:2") + `]}`
		switch want {
		case graphql:
			bad = strings.Replace(bad, "200 OK", "400 Bad Request", 1)
		case "":
			good = refused(406, "Accept application/graphql-response+json or application/json")
			bad = good
		}
		exchanges{
			{accept, ask("{ __typename }", "Accept: "+accept), good},
			{accept, ask("{", "Accept: "+accept), bad},
		}.test(t, s)
	}
}

// What is not a request of GraphQL is refused before any of it is executed.
func Test4_Refusals(t *testing.T) {
	const head, typed = "POST /api\n", "POST /api\nContent-Type: application/json"
	const post, get, body = typed + "\n\n", "GET /api?query={__typename}", `{"query":"{ __typename }"}`
	tooLarge := refused(413, "A request may have 100 KiB at most")
	notJSON := refused(415, "Send application/json in UTF-8, not encoded further")
	notObject := refused(400, "The body must be a JSON object in UTF-8")
	noQuery := refused(400, "query must be a string")
	badMember := refused(400, "operationName must be a string, variables and extensions objects")
	with := func(members string) string { return post + body[:len(body)-1] + "," + members + "}" }
	spaces := func(n int) string { return strings.Repeat(" ", n) }
	header := func(size int) string { return typed + "\nX: " + strings.Repeat("x", size-37) + "\n\n" }
	s := newServer(t)
	exchanges{
		{"100 KiB", post + body + spaces(102_400-len(body)), typename},
		{"a byte more", post + body + spaces(102_401-len(body)), tooLarge},
		{"a URL's query of 100 KiB", get + strings.Repeat(",", 102_400-12) + "\n\n", typename},
		{"a byte more", get + strings.Repeat(",", 102_400-12) + "&x=x\n\n", tooLarge},
		{"headers of 64 KiB", header(65_536) + body, typename},
		{"a byte more", header(65_537) + body,
			refused(431, "The headers may have 64 KiB at most", "Connection: close")},

		{"no content type", head + "\n" + body, notJSON},
		{"a form, which any page can send", head + "Content-Type: text/plain\n\n" + body, notJSON},
		{"a charset", typed + "; charset=\"UTF-8\"\n\n" + body, typename},
		{"another charset", typed + "; charset=utf-16\n\n" + body, notJSON},
		{"a bad parameter", typed + "; charset\n\n" + body, notJSON},
		{"compressed", typed + "\nContent-Encoding: gzip\n\n" + body, notJSON},

		{"nothing", post, notObject},
		{"half an object", post + `{"query":`, notObject},
		{"an object and more", post + body + "{}", notObject},
		{"a batch", post + "[" + body + "]", notObject},
		{"null", post + "null", notObject},
		{"not UTF-8", post + "{\"query\":\"{ __typename } #\xff\"}", notObject},
		{"a lone surrogate is U+FFFD", post + `{"query":"{ __typename } # \ud800"}`, typename},

		{"no query", post + "{}", noQuery},
		{"another case", post + `{"Query":"{ __typename }"}`, noQuery},
		{"a query that is no string", post + `{"query":null}`, noQuery},
		{"of two the last counts, as in JavaScript", with(`"query":1,` + body[1:len(body)-1]), typename},
		{"a bad operationName", with(`"operationName":1`), badMember},
		{"bad variables", with(`"variables":[]`), badMember},
		{"bad extensions", with(`"extensions":"x"`), badMember},
		{"nulls", with(`"operationName":null,"variables":null,"extensions":null`), typename},
		{"numbers that no float64 holds", with(`"variables":{"x":1e999},"y":1e999`), typename},
	}.test(t, s)

	endless := strings.NewReader(strings.Repeat("x", 1<<20))
	r := parseRequest(post)
	r.Body = io.NopCloser(endless)
	s.ServeHTTP(httptest.NewRecorder(), r)
	if read := 1<<20 - endless.Len(); read > 102_401 {
		t.Errorf("%d bytes of an endless body were read", read)
	}
}

// Any page may call. A browser sends no cookie that would speak for its user, and a
// token is the page's own. Before it sends a JSON body or a token, it asks (a preflight).
func Test4_CORS(t *testing.T) {
	s := newServer(t)
	exchanges{{"preflight", "OPTIONS /api\nOrigin: https://example.com\n" +
		"Access-Control-Request-Method: POST\nAccess-Control-Request-Headers: authorization\n\n",
		"204 No Content\nAccess-Control-Allow-Headers: Authorization, *\n" +
			"Access-Control-Allow-Methods: GET, POST\nAccess-Control-Max-Age: 7200\n\n",
	}}.test(t, s)
	w := httptest.NewRecorder() // send leaves out what every reply has
	s.ServeHTTP(w, parseRequest("GET /nowhere\nCookie: a=b\n\n"))
	everyReply["Content-Type"] = "application/json; charset=utf-8"
	for name := range w.Header() {
		if want := everyReply[name]; w.Header().Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, w.Header().Get(name), want)
		}
	}
	if len(w.Header()) != len(everyReply) {
		t.Errorf("got the headers %v", w.Header())
	}
	delete(everyReply, "Content-Type")
}

// The page shows tokens and secrets. Its policy lets it talk to this server alone,
// and run nothing but what stands in it. What it says of the checks is in jwt.go.
func Test4_ThePageLoadsNothing(t *testing.T) {
	hash := func(element string) string {
		m := regexp.MustCompile("(?s)<" + element + ">(.*)</" + element + ">").FindStringSubmatch(page)
		sum := sha256.Sum256([]byte(m[1]))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "200 OK\nContent-Security-Policy: default-src 'none'; script-src " + hash("script") +
		"; style-src " + hash("style") + "; connect-src 'self'; img-src data:; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'\n" +
		"Content-Type: text/html; charset=utf-8\nReferrer-Policy: no-referrer\n\n" + page
	const accept = "\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\n\n"
	exchanges{
		{"GET", "GET /api" + accept, want},
		{"HEAD", "HEAD /api" + accept, want},
	}.test(t, newServer(t))
	loads := regexp.MustCompile(`(src|href)="[^"]+|url\(|@import|innerHTML|Storage|cookie`)
	if got := loads.FindAllString(page, -1); len(got) != 1 || got[0] != `href="data:,` {
		t.Errorf("the page has %q", got)
	}

	tags := regexp.MustCompile(`<[^>]*>|\s+`)
	_, list, _ := strings.Cut(page, `aria-label="Checks"`)
	items := regexp.MustCompile(`(?s)<li>(.*?)</li>`).FindAllStringSubmatch(list, -1)
	for i, c := range checks {
		want := c.name + c.meaning + c.section + "else"
		for j, err := range c.refusals {
			want += strings.Repeat("or", min(j, 1)) + "“" + err.Error() + "”"
		}
		want = strings.ReplaceAll(want, " ", "")
		if len(items) != len(checks) || html.UnescapeString(tags.ReplaceAllString(items[i][1], "")) != want {
			t.Fatalf("the page has, for check %d, %q; want %s", i, items, want)
		}
	}
}

// dial connects to the server, without a network.
func (s *server) dial(t *testing.T) net.Conn {
	client, conn := net.Pipe()
	listener := make(pipes, 1)
	listener <- conn
	hs := newHTTPServer(s.log)
	hs.Handler = s
	go hs.Serve(listener)
	t.Cleanup(func() { client.Close(); hs.Close() })
	return client
}

// pipes listens to connections that have no network between them.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, open := <-p; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A connection costs memory. A client that is slow, or silent, has to give it back.
func Test4_SlowClientsAreCutOff(t *testing.T) {
	const half = "POST /api HTTP/1.1\r\nHost: x\r\n" +
		"Content-Type: application/json\r\nContent-Length: 26\r\n"
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name, first string
			want        time.Duration
			reply       string
		}{
			{"headers", half, 10 * time.Second, ""},
			{"the request", half + "\r\n{", 30 * time.Second, "HTTP/1.1 400 Bad Request\r\n"},
			{"idle", half + "\r\n" + `{"query":"{ __typename }"}`, 2 * time.Minute, "HTTP/1.1 200 OK\r\n"},
		} {
			client, began := newServer(t).dial(t), time.Now()
			go io.WriteString(client, test.first)
			reply, _ := io.ReadAll(client)
			if d := time.Since(began); d != test.want || !strings.HasPrefix(string(reply), test.reply) {
				t.Errorf("%s: cut off after %v, with %q; want %v", test.name, d, reply, test.want)
			}
		}
	})
}

// The log is read in terminals: nothing in it can drive one, or look like another
// line. And -v gives nobody a secret.
func Test4_TheLogHasNoClientsText(t *testing.T) {
	s := newServer(t)
	s.send(ask(`query WithoutV { me { id } }`))
	s.verbose = true
	s.send(ask(`query Who { me { id } }`))
	s.send(ask("{", "Authorization: Bearer \x1b[31m"))
	s.send("DELETE /%0a%1b%5b31m\xff?token=x\n\n")
	s.send("GET /" + strings.Repeat("x", 200) + "\n\n")
	want := "POST /api Who 200 T\nPOST /api - 401 T\nDELETE /%0A%1B%5B31m%FF - 404 T\n" +
		"GET /" + strings.Repeat("x", 98) + " - 404 T\n"
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

const someHash = "$2a$04$GGCPKbm9SxbUr1Ah6Qyfx.vUWz0T2rY7xcR7FpR9kb54nsOeAl8EO"

// userLine is a line of the file: userLine(1, "ann") has ann@example.com.
func userLine(id int, name string) string {
	return fmt.Sprintf(`{"id":%d,"username":"%s","email":"%[2]s@example.com","password":"%s",`+
		`"createdAt":"2026-11-23T16:01:02Z"}`+"\n", id, name, someHash)
}

func writeUsersFile(text string) { os.WriteFile("users.jsonl", []byte(text), 0o600) }

// openUsers opens a store on the file users.jsonl; logged is what it has to say.
func openUsers(t testing.TB) (s *store, logged *bytes.Buffer) {
	t.Helper()
	logged = new(bytes.Buffer)
	s, err := openStore("users.jsonl", log.New(logged, "", 0))
	if err != nil {
		t.Fatalf("openStore: %v, of\n%s", err, readText("users.jsonl"))
	}
	t.Cleanup(func() { s.close() })
	return s, logged
}

// usersOf lists the users of a store: "1 ann, 7 bob".
func usersOf(s *store) string {
	var list []string
	for _, u := range s.users {
		list = append(list, fmt.Sprint(u.ID, " ", u.Username))
	}
	return strings.Join(list, ", ")
}

// signUp saves a user under a hash of its own, as bcrypt's salt makes it.
func signUp(s *store, name string) (user, error) {
	hash := someHash[:60-len(name)] + name
	return s.add(name, name+"@example.com", hash)
}

// A hookedFile asks before it does anything. An error is what then happens instead.
type hookedFile struct {
	usersFile
	before func(op string) error
}

// Of a write that fails with one of these, a part stands in the file.
var errHalf, errAllButNewline = errors.New("half of it"), errors.New("all but the newline")

func (f hookedFile) Write(b []byte) (n int, err error) {
	switch err = f.before("write"); err {
	case nil:
		return f.usersFile.Write(b)
	case errHalf:
		n, _ = f.usersFile.Write(b[:len(b)/2])
	case errAllButNewline:
		n, _ = f.usersFile.Write(b[:len(b)-1])
	}
	return n, err
}

func (f hookedFile) ReadAt(b []byte, at int64) (int, error) {
	if err := f.before("read"); err != nil {
		return 0, err
	}
	return f.usersFile.ReadAt(b, at)
}

func (f hookedFile) Sync() error { return f.before("sync") } // A real one is slow.

// A person can read the file, and write in it with an editor of any system.
func Test5_OneUserALine(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) { // where it is midnight, 1 January 2000
		s, _ := openUsers(t)
		s.add("johndoe", "JohnDoe@example.com", someHash)
		time.Sleep(1900 * time.Millisecond)
		s.add(`"<Jo & 李>`, "jo@example.com", someHash)
	})
	const want = `{"id":1,"username":"johndoe","email":"JohnDoe@example.com",` +
		`"password":"` + someHash + `","createdAt":"2000-01-01T00:00:00Z"}
{"id":2,"username":"\"<Jo & 李>","email":"jo@example.com","password":"` + someHash +
		`","createdAt":"2000-01-01T00:00:01Z"}
`
	if got := readText("users.jsonl"); got != want {
		t.Errorf("the file is\n%swant\n%s", got, want)
	}
	if info, _ := os.Stat("users.jsonl"); info.Mode() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("its mode is %v, want 0600", info.Mode())
	}

	ann, bob := userLine(1, "ann"), userLine(7, "bob")
	for name, text := range map[string]string{
		"as written":        ann + bob,
		"CRLF":              strings.ReplaceAll(ann+bob, "\n", "\r\n"),
		"a byte order mark": "\ufeff" + ann + bob,
		"NUL bytes":         "\x00\x00" + ann + "\x00" + bob,
		"blank lines":       "\n" + ann + " \t\r\n\n" + bob + "\n",
		"white space":       ann + "\t" + strings.ReplaceAll(bob, `":`, "\" \r:\t"),
		"another order":     ann + `{"username":"bob","id":7` + bob[24:],
		"escapes":           ann + strings.ReplaceAll(bob, "bob", `\u0062ob`),
		"a long line":       ann + strings.Replace(bob, ":", strings.Repeat(" ", 3<<20)+":", 1),
		"another member":    ann + strings.Replace(bob, "{", `{"phone":[1,{}],`, 1),
		"another case":      ann + strings.Replace(bob, "username", "Username", 1),
		"a name twice":      ann + strings.Replace(bob, "{", `{"id":3,`, 1),
		"other hashes":      strings.Replace(ann, "$2a$04", "$2b$16", 1) + strings.Replace(bob, "$2a", "$2y", 1),
		"other times":       ann + strings.Replace(bob, "02Z", "02.5-23:59", 1),
		"no last newline":   ann + strings.TrimSuffix(bob, "\n"),
		"a blank end":       ann + bob + "  ",
	} {
		writeUsersFile(text)
		s, logged := openUsers(t)
		unchanged := readText("users.jsonl") == text
		_, err := signUp(s, "cy")
		again, _ := openUsers(t)
		if users := usersOf(again); err != nil || !unchanged || users != "1 ann, 7 bob, 8 cy" || logged.Len() > 0 {
			t.Errorf("%s: add: %v; then there are %s, logged %q", name, err, users, logged)
		}
	}
}

// Until the disk has it, a sign-up is not answered, and nobody sees the user;
// meanwhile, no one who looks up a user waits.
func Test5_AnsweredOnlyWhenOnDisk(t *testing.T) {
	t.Chdir(t.TempDir())
	writeUsersFile(userLine(1, "ann"))
	s, _ := openUsers(t)
	var ops []string
	s.file = hookedFile{s.file, func(op string) error {
		_, ann := s.byEmail("ann@example.com")
		_, bob := s.byEmail("bob@example.com")
		if ops = append(ops, op); !ann || bob {
			t.Errorf("at %v: ann found %t, bob found %t", ops, ann, bob)
		}
		return nil
	}}
	_, err := signUp(s, "bob")
	if got := fmt.Sprint(ops, err); got != "[write sync read] <nil>" {
		t.Errorf("adding a user did %s", got)
	}
}

// What a crash leaves of a line counts for nothing: nobody was told that it is
// saved. It stays where it is, and the next user gets a line of their own.
func Test5_ACrashCostsAtMostTheLastLine(t *testing.T) {
	t.Chdir(t.TempDir())
	ann, bob := userLine(1, "ann"), strings.Replace(userLine(2, "bob"), "bob", `b\"é`, 1)
	for cut := range len(bob) {
		text, users := ann+bob[:cut], "1 ann, 2 cy"
		warning := "users.jsonl:2: the line ends too early: this line counts for nothing\n"
		if cut == 0 || cut == len(bob)-1 { // no line, or all but its newline
			warning = ""
		}
		if cut == len(bob)-1 {
			users = `1 ann, 2 b"é, 3 cy`
		}
		writeUsersFile(text)
		s, logged := openUsers(t)
		unchanged := readText("users.jsonl") == text
		_, err := signUp(s, "cy")
		again, _ := openUsers(t)
		kept := strings.HasPrefix(readText("users.jsonl"), text)
		if err != nil || !unchanged || !kept || logged.String() != warning || usersOf(again) != users ||
			usersOf(s) != users {
			t.Errorf("cut at byte %d: add: %v, logged %q, the users are %s, the file is\n%s",
				cut, err, logged, usersOf(again), readText("users.jsonl"))
		}
	}
}

// A line that no server wrote is a mistake: a person has to look, and finds the file
// as it was.
func Test5_ADamagedFileIsLeftAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	bob := userLine(3, "bob")
	for want, damages := range map[string][][2]string{ // what of bob's line becomes what
		"not a JSON object in UTF-8":                {{"bob", "b\xffb"}, {bob, "null\n"}},
		"not a user: ":                              {{"}", "}{}"}, {"}", "}{"}, {bob, "[1\n"}, {bob, "x\n"}, {":3", `:"3"`}, {"11-23", "11-31"}},
		"id is not an integer from 1 to 2147483647": {{`"id":3,`, ""}, {":3", ":0"}, {":3", ":2147483648"}},
		"id 2 is not above the one before":          {{":3", ":2"}},
		"username has white space around it":        {{`"bob"`, `"bob\u2003"`}},
		"Username must not be empty":                {{`"bob"`, "null"}},
		"Invalid email address":                     {{`"bob@`, `" bob@`}},
		"email already in use":                      {{"bob@", "DAN@"}},
		"createdAt is missing":                      {{`createdAt`, `created`}},
		"password is not a bcrypt hash of cost 4 to 16": {{someHash, "password"}, {"EO", "E"}, {"$2a", "$2x"},
			{"a$04", "a.04"}, {"04$G", "04.G"}, {"$04", "$+4"}, {"04", "03"}, {"04", "17"}, {"$GG", "$*G"}},
	} {
		for _, d := range damages {
			id := 1
			if d[1] == ":2" {
				id = 4
			}
			damaged := strings.Replace(bob, d[0], d[1], 1)
			text := "\n" + userLine(id, "dan") + `{"id"` + "\n" + damaged // The third line is torn.
			writeUsersFile(text)
			_, err := openStore("users.jsonl", log.New(io.Discard, "", 0))
			if !strings.HasPrefix(fmt.Sprint(err), "users.jsonl:4: "+want) || readText("users.jsonl") != text {
				t.Errorf("%s: openStore: %v, want users.jsonl:4: %s", d, err, want)
			}
		}
	}
	for path, want := range map[string]string{
		os.DevNull:     "opening " + os.DevNull + ": not a regular file",
		"no/such/file": "opening no/such/file: no such file or directory",
	} {
		_, err := openStore(path, log.Default())
		if err == nil || err.Error() != want && runtime.GOOS != "windows" {
			t.Errorf("openStore(%s): %v, want %s", path, err, want)
		}
	}
}

// When the disk fails, so does the sign-up, and what was written of it counts for
// nothing. Those who are there can log in, and the next may sign up when there is room,
// unless nobody can tell any more what is on disk.
func Test5_AFullDiskFailsOneSignUp(t *testing.T) {
	t.Chdir(t.TempDir())
	const stop = "; no more users are taken until a restart\n"
	ann := userLine(1, "ann")
	for _, c := range []struct {
		name, op string // which fails
		fault    error
		change   func() // of the file, before the sign-up
		logged   string
		after    string // the users after another try
	}{
		{"no room", "write", syscall.ENOSPC, nil, "saving a user: no space left on device\n", "1 ann, 2 cy"},
		{"little room", "write", errHalf, nil, "saving a user: half of it\n", "1 ann, 2 cy"},
		// Nobody can tell this user from one who was answered, so both count.
		{"room for all but the newline", "write", errAllButNewline, nil,
			"saving a user: all but the newline\n", "1 ann, 2 bob, 3 cy"},
		{"the sync fails", "sync", syscall.EIO, nil, "syncing users.jsonl: input/output error" + stop, "1 ann"},
		{"reading fails", "read", syscall.EIO, nil, "reading users.jsonl: input/output error" + stop, "1 ann"},
		{"shorter", "", nil, func() { writeUsersFile("") }, "users.jsonl: the file is shorter than it was" + stop, "1 ann"},
		{"deleted", "", nil, func() { os.Remove("users.jsonl") },
			"stat users.jsonl: no such file or directory" + stop, "1 ann"},
		{"replaced", "", nil, func() { os.Rename("users.jsonl", "old"); writeUsersFile(ann) },
			"users.jsonl: another file has taken its place" + stop, "1 ann"},
		{"damaged", "", nil, func() { writeUsersFile(ann + "x\n") },
			"users.jsonl:2: not a user: invalid character 'x' looking for beginning of value" + stop, "1 ann"},
	} {
		if runtime.GOOS == "windows" && (c.name == "deleted" || c.name == "replaced") {
			continue // It lets nobody do that to an open file.
		}
		writeUsersFile(ann)
		s, logged := openUsers(t)
		file := s.file
		s.file = hookedFile{file, func(op string) error {
			if op == c.op {
				return c.fault
			}
			return nil
		}}
		if c.change != nil {
			c.change()
		}
		_, err := signUp(s, "bob")
		got := logged.String()
		_, isThere := s.byEmail("ann@example.com")
		s.file = hookedFile{file, func(string) error { return nil }} // The disk is well again.
		signUp(s, "cy")
		if err != errNotSaved || got != c.logged || !isThere || usersOf(s) != c.after {
			t.Errorf("%s: add: %v, the users are %s, want %s, logged\n%swant\n%s", c.name, err, usersOf(s), c.after, got, c.logged)
		}
	}

	writeUsersFile(userLine(1<<31-2, "ann"))
	s, _ := openUsers(t)
	_, last := signUp(s, "bob")
	_, none := signUp(s, "cy")
	if last != nil || none != errNotSaved || s.stopped.Load() {
		t.Errorf("the last id: %v, past it: %v", last, none)
	}
}

// Of sign-ups that race for an email, one wins.
func Test5_OneEmailOneUser(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := openUsers(t)
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for i := range cap(errs) {
		wg.Go(func() {
			_, err := signUp(s, []string{"anz", "ANZ"}[i%2])
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	count := map[error]int{}
	for err := range errs {
		count[err]++
	}
	if count[nil] != 1 || count[errEmailTaken] != 19 || len(s.users) != 1 {
		t.Errorf("20 sign-ups: %v", count)
	}
	signUp(s, "kim")
	if _, found := s.byEmail("\u212aim@example.com"); found { // K, the Kelvin sign
		t.Error("case is ignored beyond ASCII")
	}
	for email, valid := range map[string]bool{
		"a@b": true, "a.!#$%&'*+/=?^_`{|}~-Z9@b.C-9.d": true, ".@" + strings.Repeat("a", 63): true,
		"": false, "a": false, "@b": false, "a@": false, "a@b@c": false, "é@b": false, "[@b": false,
		"a@b.": false, "a@-b": false, "a@b-": false, "a@b_c": false, "a@" + strings.Repeat("a", 64): false,
	} {
		if err := checkEmail(email); (err == nil) != valid {
			t.Errorf("checkEmail(%q): %v", email, err)
		}
	}
}

// Two servers take their steps in every order (bit i of order says who takes step i),
// and each may be killed before any step, in the middle of a write too. Whoever was
// told so is in the file, no id is given twice, and all readers agree.
func Test5_ServersShareIt(t *testing.T) {
	t.Chdir(t.TempDir())
	for order := range 1 << 8 {
		for _, killed := range []error{os.ErrClosed, errHalf} {
			writeUsersFile("")
			saved := map[int]string{}
			next0, kill0 := iter.Pull(signUpInSteps(t, "ann", killed, saved))
			next1, kill1 := iter.Pull(signUpInSteps(t, "bob", killed, saved))
			for i := range 8 {
				[]func() (string, bool){next0, next1}[order>>i&1]()
			}
			kill0()
			kill1()
			s, _ := openUsers(t)
			for id, name := range saved {
				if !strings.Contains(usersOf(s), fmt.Sprint(id, " ", name)) {
					t.Errorf("order %08b: saved %v, there are %s\n%s", order, saved, usersOf(s), readText("users.jsonl"))
				}
			}
			s.close()
		}
	}

	writeUsersFile("")
	ann, _ := openUsers(t)
	bob, logged := openUsers(t)
	signUp(ann, "ann")
	_, found := bob.byEmail("ann@example.com") // A look-up that misses reads on.
	bob.file = hookedFile{bob.file, func(op string) error {
		if op == "write" && len(ann.users) == 1 {
			signUp(ann, "cy") // comes first with id 2
		}
		return nil
	}}
	late, err := signUp(bob, "bob")
	_, taken := signUp(bob, "CY")
	want := "users.jsonl:3: another server came first with id 2: this line counts for nothing\n"
	if !found || late.ID != 3 || err != nil || taken != errEmailTaken || logged.String() != want {
		t.Errorf("found %t, bob is %d, %v; cy: %v; logged %s", found, late.ID, err, taken, logged)
	}
}

// signUpInSteps pauses after it has opened the file, and before each operation on
// it. It is killed where yield says no.
func signUpInSteps(t *testing.T, name string, killed error, saved map[int]string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s, _ := openUsers(t)
		defer s.close()
		isDead := !yield("open")
		s.file = hookedFile{s.file, func(op string) error {
			if !isDead && !yield(op) {
				isDead = true
				return killed // A write stops in the middle.
			}
			if isDead {
				return os.ErrClosed
			}
			return nil
		}}
		if u, err := signUp(s, name); err == nil && !isDead {
			if saved[u.ID] != "" {
				t.Errorf("id %d for %s and %s", u.ID, saved[u.ID], name)
			}
			saved[u.ID] = name
		}
	}
}

// What goes wrong inside is for the log; the client learns that it did. And a store that
// takes no more users says so before a password is hashed for it.
func Test5_TheCauseIsForTheLog(t *testing.T) {
	notSaved := failed("signup", "1:12", "Could not save the user", "INTERNAL_SERVER_ERROR")
	s := newServer(t)
	s.cost = bcrypt.MaxCost + 1
	exchanges{{"a cost that bcrypt refuses", ask(johnSignsUp), notSaved}}.test(t, s)
	if !strings.HasPrefix(s.logged.String(), "hashing a password: ") {
		t.Errorf("logged %s", s.logged)
	}

	s = newServer(t)
	os.WriteFile(s.file, []byte("x\n"), 0o600) // by another program
	for range 2 {
		exchanges{{"the file was changed", ask(johnSignsUp), notSaved}}.test(t, s)
		for len(s.turns) < cap(s.turns) {
			s.turns <- struct{}{} // From now on, whoever needs a turn has to wait.
		}
	}
}

// -----------------------------------------------------------------------------
// 6 The program
// -----------------------------------------------------------------------------

// A flag wins over the environment, that over .env, and that over the default.
func Test6_Settings(t *testing.T) {
	const file = "\ufeff# comments, blank lines, CRLF\r\n\r\n" +
		"export JWT_SECRET = \"of the # file\" # quoted\r\nPORT=4000 # a number\r\nOTHER=x\n"
	const data, s = "users.jsonl", time.Second
	for _, test := range []struct {
		args, port, secret, file string
		want                     settings
	}{
		{"", "", "", "", settings{"localhost:3000", data, 10, 0, false, ""}},
		{"-addr :1 -data x -cost 4 -ttl 30s -v", "", "", "", settings{":1", "x", 4, 30 * s, true, ""}},
		{"-cost 16", "0", " bytes ", "", settings{":0", data, 16, 0, false, " bytes "}},
		{"", "", "", file, settings{":4000", data, 10, 0, false, "of the # file"}},
		{"-addr h:1 -ttl 1s", "2", "x", file, settings{"h:1", data, 10, s, false, "x"}},
	} {
		t.Chdir(t.TempDir())
		t.Setenv("PORT", test.port)
		t.Setenv("JWT_SECRET", test.secret)
		os.WriteFile(".env", []byte(test.file), 0o600)
		env, _ := environment()
		got, err := readSettings(strings.Fields(test.args), env, io.Discard)
		if err != nil || got != test.want {
			t.Errorf("%+v:\n got %+v, %v", test, got, err)
		}
	}

	// The lines of .env are those of a shell, as far as they assign constants.
	for line, want := range map[string]string{
		"A=x": "x", "\ufeffA=x": "x", "\t export\tA = x y \r": "x y", "A=x#y": "x#y", "A=#x": "#x",
		"A= # x": "", "A=x\t# y # z": "x", "#A=x": "", `A="x # y" # z`: "x # y", `A="x`: `"x`,
		`A='"x" $B \n'`: `"x" $B \n`, `A="x"y`: `"x"y`, "A=x=y": "x=y", "A=x\nA=y\n": "y",
		"A=x\nB=y\n# A=z\nA z\n": "x", "A=\nx": "",
	} {
		if got := dotEnv(line)["A"]; got != want {
			t.Errorf("%q: A is %q, want %q", line, got, want)
		}
	}
}

// A program that starts with other settings than you meant is worse than one that
// doesn't start.
func Test6_BadSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().String()
	os.WriteFile("damaged", []byte(userLine(1, "ann")+userLine(2, "ann")), 0o600)
	const addr = ": -addr must be host:port, such as localhost:3000, and PORT a number from 0 to 65535"
	const help = " (-h explains the flags)"
	for _, test := range []struct {
		args, port string
		status     int
		want       string
	}{
		{"-cost 3", "", 2, "-cost 3: must be from 4 to 16"},
		{"-cost 17", "", 2, "-cost 17: must be from 4 to 16"},
		{"-cost x", "", 2, `invalid value "x" for flag -cost: parse error` + help},
		{"-ttl 999ms", "", 2, "-ttl 999ms: must be a second or more, such as 30s"},
		{"-addr 3000", "", 2, `can't listen on "3000"` + addr},
		{"-addr :65536", "", 2, `can't listen on ":65536"` + addr},
		{"", "http", 2, `can't listen on ":http"` + addr},
		{"serve", "", 2, `unexpected argument "serve"` + help},
		{"-addr " + taken, "", 1, "listen tcp " + taken +
			": bind: address already in use (-addr or PORT can name another)"},
		{"-addr localhost:0 -data damaged", "", 1, "damaged:2: email already in use"},
	} {
		t.Setenv("PORT", test.port)
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), strings.Fields(test.args), nil, &stdout, &stderr)
		want := "graphql-jwt-auth: " + test.want + "\n"
		if status != test.status || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("%s: %d\n got %swant %d: %s", test.args, status, &stderr, test.status, want)
		}
	}
	for _, args := range [][]string{{"-h"}, {"token", "-h"}} { // Help is no error.
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), args, nil, &stdout, &stderr)
		if n := strings.Count(stdout.String(), "\n  -"); status != 0 || n != 5 || stderr.Len() > 0 {
			t.Errorf("%s: status %d, stdout:\n%s\nstderr:\n%s", args, status, &stdout, &stderr)
		}
	}
	var stderr bytes.Buffer
	os.Mkdir(".env", 0o700)
	badEnv := run(t.Context(), nil, nil, io.Discard, io.Discard)
	os.Remove(".env")
	run(t.Context(), []string{"-x\r\n"}, nil, io.Discard, &stderr)
	if strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "\r") || badEnv != 2 {
		t.Errorf("a complaint is not one line: %q; a .env that can't be read: status %d", &stderr, badEnv)
	}
}

// The log says how to reach the service, and how it could be abused.
func Test6_Warnings(t *testing.T) {
	const (
		local     = "serving http://localhost:3000/api, with 0 users from users.jsonl\n"
		random    = "warning: no JWT_SECRET, so a random one: its tokens end with this process\n"
		everybody = "warning: everybody knows this JWT_SECRET: anyone can log in as anyone\n"
		short     = "warning: JWT_SECRET is shorter than 32 bytes (RFC 7518 §3.2): it can be guessed\n"
		reachable = "other machines can reach this one (with -addr localhost:3000 they can't)\n"
		ip4       = "127.0.0.1"
	)
	good, remote := strings.Repeat("x", 32), strings.Replace(local, "localhost", "[fe80::1]", 1)
	for _, test := range []struct{ secret, addr, ip, want string }{
		{good, "localhost:0", ip4, local},
		{"", "localhost:0", "::1", random + local},
		{good[:31], "localhost:0", ip4, short + local},
		{"somereallylongsecretkey", "localhost:0", ip4, everybody + local},
		{"your-256-bit-secret", "localhost:0", ip4, everybody + local},
		{"a-string-secret-at-least-256-bits-long", "localhost:0", ip4, everybody + local},
		{"secret", "localhost:0", ip4, everybody + local},
		{good, ":0", "::", reachable + local},
		{good, "[fe80::1]:0", "fe80::1", reachable + remote},
	} {
		var logged bytes.Buffer
		announce(settings{secret: test.secret, addr: test.addr, data: "users.jsonl"},
			&net.TCPAddr{IP: net.ParseIP(test.ip), Port: 3000}, 0, log.New(&logged, "", 0))
		if logged.String() != test.want {
			t.Errorf("%s at %s:\n got %s\nwant %s", test.secret, test.addr, &logged, test.want)
		}
	}
}

// startProgram starts a process of its own that serves the users.jsonl of this folder.
func startProgram(t *testing.T) (cmd *exec.Cmd, host string) {
	path, _ := os.Executable()
	cmd = exec.CommandContext(t.Context(), path, "-addr", "localhost:0", "-cost", "4")
	cmd.Env = append(os.Environ(), "RUN_THE_PROGRAM=1", "JWT_SECRET="+secret)
	stderr, _ := cmd.StderrPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if m := regexp.MustCompile(`http://(.*)/api`).FindStringSubmatch(lines.Text()); m != nil {
			return cmd, m[1]
		}
	}
	t.Fatal("the program did not start")
	return nil, ""
}

// stop sends a signal, and returns when the program listens no more.
func stop(cmd *exec.Cmd, host string, signal os.Signal) {
	cmd.Process.Signal(signal)
	for {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			return
		}
		conn.Close()
	}
}

// post sends a request over the network, and returns the body of the reply.
func post(t *testing.T, host, request string) string {
	r := parseRequest(request)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", host
	reply, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	return string(body)
}

// A signal lets those finish who are being served, for 10 s; a second signal ends that.
// After a restart with the same JWT_SECRET, users and tokens are there again.
func Test6_StartsAndStops(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that a program could send to another")
	}
	t.Chdir(t.TempDir())
	// begin has the program wait for the body of a request.
	begin := func(host string) (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, "POST /api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
			"Content-Length: 26\r\nExpect: 100-continue\r\n\r\n")
		reply := bufio.NewReader(conn)
		reply.ReadString('\n') // 100 Continue: the handler is at work.
		reply.ReadString('\n')
		return conn, reply
	}

	cmd, host := startProgram(t)
	token := regexp.MustCompile(`eyJ[^"]*`).FindString(post(t, host, ask(johnSignsUp)))
	conn, reply := begin(host)
	stop(cmd, host, syscall.SIGTERM)
	io.WriteString(conn, `{"query":"{ __typename }"}`)
	status, _ := reply.ReadString('\n')
	if err := cmd.Wait(); err != nil || status != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("after SIGTERM, the request under way got %q, and the exit status is %v", status, err)
	}

	cmd, host = startProgram(t)
	_, port, _ := net.SplitHostPort(host)
	for _, ip := range []string{"127.0.0.1", "::1"} { // Some clients try only one of them.
		if probe, err := net.Listen("tcp", net.JoinHostPort(ip, "0")); err == nil {
			probe.Close()
			if got := post(t, net.JoinHostPort(ip, port), ask(whoAmI, bearer+token)); replied(got) != data(john) {
				t.Errorf("me, after the restart, at %s: %s", ip, got)
			}
		}
	}
	begin(host)
	stop(cmd, host, os.Interrupt)
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err == nil {
		t.Error("after a second SIGINT: exit status 0, want the signal")
	}
}

// -----------------------------------------------------------------------------
// 7 The README
//
// Its blocks are one script for one shell, in a copy of the repository: commands with
// all that they print, and documents with the replies. A "…" is what nobody can know
// before, up to a quotation mark or the end of the line; alone on a line, any lines.
// -----------------------------------------------------------------------------

func Test7_TheREADMEDoesWhatItSays(t *testing.T) {
	steps := stepsOf(readText("README.md"))
	sh := startShell(t)
	for _, step := range steps {
		t.Run(fmt.Sprintf("line %d: %s", step.line, step.text), func(t *testing.T) {
			got := ""
			switch step.kind {
			case "console":
				got = sh.run(t, step.text)
			case "graphql":
				got = post(t, sh.host, ask(step.text))
			default: // graphql with token
				got = post(t, sh.host, ask(step.text, bearer+sh.run(t, `echo "$TOKEN"`)))
			}
			pattern := regexp.MustCompile(`(?m)^…$`).ReplaceAllString(regexp.QuoteMeta(step.want), `(?s:.*)`)
			pattern = "^" + strings.ReplaceAll(pattern, "…", `[^"\n]*`) + "$"
			if !regexp.MustCompile(pattern).MatchString(got) {
				t.Errorf("README.md:%d: %s\n got %s\nwant %s", step.line, step.text, got, step.want)
			}
		})
	}
	if steps[0].text != "go run ." || steps[1].text != "go test ./..." || steps[1].line < steps[0].line+4 {
		t.Error("README.md does not begin with how to run it and how to test it")
	}
	for _, left := range []string{"users.jsonl", ".env", "/graphql-jwt-auth"} {
		if !slices.Contains(strings.Fields(readText(".gitignore")), left) {
			t.Errorf(".gitignore does not name %s", left)
		}
	}
}

// A step is a command and what it prints, or a document and its reply.
type step struct {
	line             int
	kind, text, want string
}

// stepsOf reads the fenced blocks. It leaves out those that are not run.
func stepsOf(readme string) (steps []step) {
	blocks := regexp.MustCompile("(?ms)^```(.+?)\n(.*?)^```$")
	for _, at := range blocks.FindAllStringSubmatchIndex(readme, -1) {
		line := 2 + strings.Count(readme[:at[0]], "\n")
		switch kind, text := readme[at[2]:at[3]], readme[at[4]:at[5]]; kind {
		case "console":
			for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
				command, want, _ := strings.Cut(part, "\n")
				steps = append(steps, step{line, kind, command, strings.TrimRight(want, "\n")})
				line += 1 + strings.Count(part, "\n")
			}
		case "graphql", "graphql with token":
			steps = append(steps, step{line, kind, text, "no ```json is below it"})
		case "json":
			var want bytes.Buffer
			json.Compact(&want, []byte(text))
			steps[len(steps)-1].want = want.String()
		}
	}
	return steps
}

// A shell runs the commands of the README, one after the other.
type shell struct {
	in   io.Writer
	out  *bufio.Reader // of all that it runs
	host string        // what is localhost:3000 in the README
}

// startShell starts a shell in a copy of the repository. It ends with the test, and so
// does the server that it started last.
func startShell(t *testing.T) *shell {
	needGo(t)
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil || runtime.GOOS == "windows" {
			t.Skipf("running the README takes sh, go and curl on a Unix: %v", err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Dir = copyRepository(t, func(name, text string) string { return text })
	goCommand(t, cmd.Dir, "build", "-o", "server", ".")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	in, _ := cmd.StdinPipe()
	out, printed, _ := os.Pipe()
	cmd.Stdout, cmd.Stderr = printed, printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	printed.Close()
	out.SetReadDeadline(time.Now().Add(time.Minute)) // Nothing waits for ever.
	t.Cleanup(func() { io.WriteString(in, "stop; exit\n"); cmd.Wait(); out.Close() })
	io.WriteString(in, "stop() { [ -z \"$!\" ] || { kill $!; wait $!; }; }\n")
	return &shell{in, bufio.NewReader(out), free.Addr().String()}
}

// run runs a command, and returns what it printed. One that serves runs on once its URL
// is logged; the server before it is stopped, as with Ctrl-C.
func (sh *shell) run(t *testing.T, command string) (text string) {
	if command == "go test ./..." {
		return "ok \tgraphql-jwt-auth" // We are in it.
	}
	script, end := "{ "+command+"\n} </dev/null; echo; echo = the end =\n", "\n= the end =\n"
	serves := regexp.MustCompile(`^(\w+=\S* )*(go run \.|graphql-jwt-auth)( -.*)?$`)
	if serves.MatchString(command) {
		command = serves.ReplaceAllString(command, "$1 exec ./server$3")
		script, end = "stop; "+command+" -addr localhost:3000 &\n", "serving http"
	}
	_, port, _ := net.SplitHostPort(sh.host)
	io.WriteString(sh.in, strings.ReplaceAll(script, "localhost:3000", "localhost:"+port))
	for text = "\n"; !strings.Contains(text, end); {
		line, err := sh.out.ReadString('\n')
		if text += line; err != nil {
			t.Fatalf("%s: %v after %s", command, err, text)
		}
	}
	text = strings.ReplaceAll(strings.TrimSuffix(text, end), "localhost:"+port, "localhost:3000")
	return strings.Trim(strings.ReplaceAll(text, "\r", ""), "\n")
}

func needGo(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
}

func goCommand(t *testing.T, dir string, args ...string) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// copyRepository copies the program to a new folder, each file changed by edit.
func copyRepository(t *testing.T, edit func(name, text string) string) (dir string) {
	dir = t.TempDir()
	for _, name := range strings.Fields("go.mod go.sum main.go graphql.go jwt.go store.go main_test.go") {
		os.WriteFile(filepath.Join(dir, name), []byte(edit(name, readText(name))), 0o600)
	}
	return dir
}

func readText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// The table has every setting, with its default; the schema is the program's, and each
// refusal is one of its messages.
func Test7_TheREADMENamesEverySetting(t *testing.T) {
	readme, program := readText("README.md"), readText("main.go")+readText("jwt.go")
	var help bytes.Buffer
	readSettings([]string{"-h"}, func(string) string { return "" }, &help)
	wants := []string{"```text" + typeDefs + "```", "| `JWT_SECRET` |", "| `PORT` |"}
	for _, m := range regexp.MustCompile(`(?m)^  (-\w+)`).FindAllStringSubmatch(help.String(), -1) {
		wants = append(wants, "| `"+m[1]+"` |")
	}
	for _, m := range regexp.MustCompile(`\(default "?([^")]+)`).FindAllStringSubmatch(help.String(), -1) {
		wants = append(wants, "| `"+m[1]+"` |")
	}
	for _, want := range wants {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md lacks %s", want)
		}
	}
	refusals := regexp.MustCompile("(?m)^\\| `(.*)` \\| \\d+ ").FindAllStringSubmatch(readme, -1)
	for _, m := range refusals {
		if !strings.Contains(program, quoted(m[1])) {
			t.Errorf("README.md names a refusal that is none: %s", m[1])
		}
	}
	if len(wants) != 11 || len(refusals) != 12 {
		t.Errorf("%d settings and %d refusals", len(wants), len(refusals))
	}
}

// Each condition is turned off, all in one build of this test. The named test then fails,
// and says that the named attack works.
func Test7_WhatTheREADMEBreaksBreaks(t *testing.T) {
	needGo(t)
	cells := regexp.MustCompile("(?m)^\\| `(.+?)` \\| `(.+)` \\| `(.+?)` \\| \\*(.+)\\*")
	rows := cells.FindAllStringSubmatch(readText("README.md"), -1)
	dir := copyRepository(t, func(name, text string) string {
		for i, row := range rows {
			if name == row[1] && strings.Count(text, row[2]) != 1 {
				t.Fatalf("%s does not have %s once", name, row[2])
			} else if name == row[1] {
				switchable := fmt.Sprintf(`os.Getenv("BROKEN") != "%d" && %s`, i, row[2])
				text = strings.Replace(text, row[2], switchable, 1)
			}
		}
		if name == "jwt.go" {
			text = strings.Replace(text, `"math"`, `"math"; "os"`, 1)
		}
		return text
	})
	goCommand(t, dir, "test", "-c", "-vet=off", "-o", "broken.exe")
	works := regexp.MustCompile(`: accepted;|\n +got (200|\{"data")`)
	for i, row := range rows {
		cmd := exec.Command(filepath.Join(dir, "broken.exe"), "-test.run=^"+row[3]+"$")
		cmd.Env = append(os.Environ(), fmt.Sprint("BROKEN=", i))
		out, _ := cmd.CombinedOutput()
		isShown := func(failure string) bool {
			return strings.Contains(failure, ": "+row[4]+":") && works.MatchString(failure)
		}
		if !slices.ContainsFunc(strings.Split(string(out), "main_test.go:"), isShown) {
			t.Errorf("%s without %s: in %s, this attack fails: %s\n%s", row[1], row[2], row[3], row[4], out)
		}
	}
	if len(rows) < 5 {
		t.Errorf("README.md has %d rows of what to break", len(rows))
	}
}

// The edits that the README shows add a field. A block of Go takes the place of its first
// line in main.go, or is appended.
func Test7_WhatTheREADMEAddsWorks(t *testing.T) {
	needGo(t)
	blocks := regexp.MustCompile("(?ms)^```go\n((.*?)\n.*?)^```$")
	dir := copyRepository(t, func(name, text string) string {
		for _, m := range blocks.FindAllStringSubmatch(readText("README.md"), -1) {
			switch block, first := m[1], "\n"+m[2]+"\n"; {
			case name != "main.go":
			case strings.Contains(text, first):
				text = strings.Replace(text, first, "\n"+block, 1)
			default:
				text += "\n" + block
			}
		}
		return text
	})
	os.WriteFile(filepath.Join(dir, "added_test.go"), []byte(`package main
import "testing"
func TestAdded(t *testing.T) {
	s := newServer(t)
	s.send(ask(johnSignsUp))
	exchanges{
		{"john", ask("{ user(id: 1) { username } }"), data("{\"user\":{\"username\":\"johndoe\"}}")},
		{"nobody", ask("{ user(id: 2) { username } }"), data("{\"user\":null}")},
	}.test(t, s)
}`), 0o600)
	goCommand(t, dir, "test", "-run", "TestAdded", ".")
}

// -----------------------------------------------------------------------------
// 8 Beyond examples
// -----------------------------------------------------------------------------

// Whatever is signed is accepted only if an independent reader of JSON finds in it
// what the server does, and never under another secret or in another spelling.
func FuzzToken(f *testing.F) {
	f.Add(hs256, johnsClaims)
	f.Add(`{"alg":"none","ALG":"HS256"}`, `{"id":1e0,"email":"\u0000","exp":1e400,"nbf":null}`)
	f.Add(" {} ", "[\"\\\"{\"]")
	f.Fuzz(func(t *testing.T, header, body string) {
		token := signed(secret, header, body)
		got, err := verify([]byte(secret), token, issued)
		if err != nil {
			return
		}
		var h, c map[string]json.RawMessage
		var alg, email string
		json.Unmarshal([]byte(header), &h)
		json.Unmarshal([]byte(body), &c)
		json.Unmarshal(h["alg"], &alg)
		json.Unmarshal(c["email"], &email)
		exp, _ := strconv.ParseFloat(string(c["exp"]), 64)
		if alg != "HS256" || email != got.Email || exp <= float64(issued.Unix()) {
			t.Fatalf("accepted %s %s as %+v", header, body, got)
		}
		for _, forgery := range []string{token + "=", token + "\n", "\n" + token, signed("other", header, body)} {
			if _, err := verify([]byte(secret), forgery, issued); err == nil {
				t.Fatalf("accepted %q", forgery)
			}
		}
	})
}

// Whatever the document, the reply is JSON, and an error names a place in it.
func FuzzDocument(f *testing.F) {
	for _, document := range []string{whoAmI, johnSignsUp, "",
		"\uFEFF\"\"\"\n é😀\\\"\"\"\"\"\"query A{a:me{...F}}",
		`query($x:[Int!]!=[1.5e3,{a:$b}]@c){me{id@skip(if:true)... on User{id}}}fragment F on User{...F}`,
		"{__schema{types{fields(includeDeprecated:$x){args{type{ofType{name}}}}}}}",
		`{a:__type(name:"\ud83d\u{1F600}"){name}a:__type(name:"b"){name}}`, "extend type A{b:C}"} {
		f.Add(document, "")
	}
	s := newServer(f)
	for _, field := range s.schema.typeNamed["Mutation"].set { // Passwords take too long.
		field.resolve = func(context.Context, map[string]any) (any, error) { return "x", nil }
	}
	f.Fuzz(func(t *testing.T, document, x string) {
		if !utf8.ValidString(document) || !utf8.ValidString(x) {
			return // Such a body is refused before.
		}
		_, reply, _ := strings.Cut(s.send(askWith(document, `{"x":`+quoted(x)+`}`)), "\n\n")
		var got struct{ Errors []gqlError }
		if err := json.Unmarshal([]byte(reply), &got); err != nil {
			t.Fatalf("%q\n got %s: %v", document, reply, err)
		}
		lines := regexp.MustCompile("\r\n|\r|\n").Split(document, -1)
		for _, err := range got.Errors {
			for _, at := range err.Locations {
				if int(at.Line) > len(lines) ||
					int(at.Column) > len(utf16.Encode([]rune(lines[at.Line-1])))+1 {
					t.Errorf("%q\n got %s", document, reply)
				}
			}
		}
	})
}

// Whatever the file holds, it is refused as it is, or can be loaded again.
func FuzzUsersFile(f *testing.F) {
	f.Add([]byte(userLine(1, "ann") + userLine(2, "bob")))
	f.Add([]byte("\ufeff\r\n" + userLine(1, "ann") + " "))
	f.Add([]byte(userLine(5, "ann") + userLine(6, "bob")[:90]))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		t.Chdir(dir)
		writeUsersFile(string(text))
		s, err := openStore("users.jsonl", log.New(io.Discard, "", 0))
		if err == nil {
			_, err = signUp(s, "new.user")
		}
		if !strings.HasPrefix(readText("users.jsonl"), string(text)) {
			t.Errorf("%v, and the file was changed", err)
		}
		if err == nil {
			if again, _ := openUsers(t); usersOf(again) != usersOf(s) {
				t.Errorf("users %s, loaded again %s", usersOf(s), usersOf(again))
			}
		}
	})
}

// Whatever else is in a .env, a line KEY="value" before it is read as it stands.
func FuzzDotEnv(f *testing.F) {
	for _, text := range []string{"", "B=x", "export B='#'\r\n", "A", "=", "\"", "\x00\xff", " = #\n"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, value, rest string) {
		env := dotEnv(`A="` + value + "\" # comment\r\nC=" + value + "\n" + rest)
		for key, got := range env {
			if !regexp.MustCompile(`^\w+$`).MatchString(key) || strings.ContainsAny(got, "\n") {
				t.Errorf("%q is %q", key, got)
			}
		}
		if got := env["A"]; got != value && !strings.ContainsAny(value, "\"\n") && !strings.Contains(rest, "A") {
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
	request := ask(whoAmI, bearer+s.token(johnSignsUp))
	for b.Loop() {
		s.send(request)
	}
}

func BenchmarkIntrospection(b *testing.B) {
	s := newServer(b)
	for b.Loop() {
		s.send(ask(introspectionQuery))
	}
}

// What Insomnia and GraphiQL send first.
const introspectionQuery = `query IntrospectionQuery { __schema {
	queryType { name } mutationType { name } subscriptionType { name } types { ...FullType }
	directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description
	fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef }
		isDeprecated deprecationReason }
	inputFields { ...InputValue } interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
	possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`

func BenchmarkLoad(b *testing.B) {
	const users = 10_000
	b.Chdir(b.TempDir())
	var text strings.Builder
	for id := 1; id <= users; id++ {
		text.WriteString(userLine(id, fmt.Sprint("user", id)))
	}
	writeUsersFile(text.String())
	for b.Loop() {
		s, err := openStore("users.jsonl", log.Default())
		if err != nil {
			b.Fatal(err)
		}
		s.close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/users, "ns/user")
}
