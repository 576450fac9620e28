// A JSON Web Token (JWT, RFC 7519) is a pass that a server writes once and can
// check later without having kept a copy. It is three texts with dots between:
//
//	eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9    header: how it is signed
//	  {"alg":"HS256","typ":"JWT"}
//	eyJpZCI6MSwiZW1haWwiOiJqb2huZG9lQGV4…   claims: whose it is, until when
//	  {"id":1,"email":"johndoe@example.com","iat":1518346667,"exp":1549904267}
//	fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzPS…   signature: that we wrote it
//	  HMAC-SHA-256(secret, header + "." + claims)
//
// Each part is bytes in base64url (RFC 4648 §5): letters, digits, "-" and "_",
// which fit into a header or a URL. The signature (RFC 7515) covers the first two
// parts as they are written, with the dot. If one character of them changes,
// another signature is needed, and only someone who knows the secret can make it.
//
// A token hides nothing: base64url is not encryption, so anyone can read the
// claims. And it can't be taken back: it is good until it expires, for anyone who
// has it. Left out are all algorithms but HS256, encrypted tokens (JWE), and the
// claims iss, sub, aud and jti, which a single server does not need.

package main

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// claims is the claims set (RFC 7519 §4) of our tokens. Times are in seconds since
// 1970, UTC (NumericDate).
type claims struct {
	ID        int    `json:"id"`
	Email     string `json:"email"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"` // The token is good before this second.
}

// sign writes a token, byte for byte as jsonwebtoken does.
func sign(secret []byte, c claims) string {
	var set bytes.Buffer
	encoder := json.NewEncoder(&set)
	encoder.SetEscapeHTML(false) // An email may have a "&".
	encoder.Encode(c)
	signingInput := ourHeader + "." + base64url.EncodeToString(bytes.TrimSpace(set.Bytes()))
	return signingInput + "." + mac(secret, signingInput)
}

// ourHeader is the JOSE header of every token that we sign. It is read once: that saves
// 4 % of the time of a request.
var (
	ourHeader        = base64url.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	readOurHeader, _ = readPart(ourHeader)
)

// mac is the signature of a signing input, "header.claims" (RFC 7518 §3.2).
func mac(secret []byte, signingInput string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(signingInput))
	return base64url.EncodeToString(h.Sum(nil))
}

// verify returns the claims of a token that we signed and that is valid at the time
// now. The error is a tokenError, or errNotJudged without a secret.
func verify(secret []byte, token string, now time.Time) (claims, error) {
	t := newJWT(secret, token, now)
	err := t.judge(func(check, string, error) {})
	if err != nil {
		return claims{}, err
	}
	return t.granted, nil
}

// A tokenError says why a token is not accepted. Its message is jsonwebtoken's.
type tokenError struct {
	error
	check string // the name of the check that refused
}

var (
	errMalformed         = errors.New("jwt malformed")
	errInvalid           = errors.New("invalid token")
	errSignatureRequired = errors.New("jwt signature is required")
	errAlgorithm         = errors.New("invalid algorithm")
	errSignature         = errors.New("invalid signature")
	errInvalidNotBefore  = errors.New("invalid nbf value")
	errNotActive         = errors.New("jwt not active")
	errInvalidExpiry     = errors.New("invalid exp value")
	errExpired           = errors.New("jwt expired")

	// errNotJudged is the verdict if there is no secret to check the signature with.
	errNotJudged = errors.New("without JWT_SECRET, anyone may have written this")
)

// A check is one reason to refuse a token. It returns what it found, in words for
// people; "" stands for its meaning.
type check struct {
	name     string
	meaning  string // what is true of a token that passes
	section  string // where that is written
	refusals []error
	run      func(*jwt) (found string, err error)
}

const signatureMeaning = "the HMAC-SHA-256 of header.claims"

// checks are in jsonwebtoken's order. No claim is believed before the signature is
// checked: until then, anyone may have written it.
var checks = []check{
	{"form", "three parts, with dots between", "RFC 7515 §7.1",
		[]error{errMalformed}, (*jwt).checkForm},
	{"content", "base64url of JSON objects, no name twice", "RFC 7519 §7.2",
		[]error{errInvalid}, (*jwt).checkContent},
	{"signed", "a signature is there", "RFC 7518 §3.6",
		[]error{errSignatureRequired}, (*jwt).checkSigned},
	{"algorithm", "HS256, the only one accepted", "RFC 8725 §3.1",
		[]error{errAlgorithm}, (*jwt).checkAlgorithm},
	{"signature", signatureMeaning, "RFC 7518 §3.2",
		[]error{errSignature}, (*jwt).checkSignature},
	{"not before", "nbf, if there is one, has come", "RFC 7519 §4.1.5",
		[]error{errNotActive, errInvalidNotBefore}, (*jwt).checkNotBefore},
	{"expiry", "exp is still to come", "RFC 7519 §4.1.4",
		[]error{errExpired, errInvalidExpiry}, (*jwt).checkExpiry},
	{"user", "id and email say whose it is", "RFC 7519 §4.3",
		[]error{errInvalid}, (*jwt).checkUser},
}

// A jwt is a token that is being examined. Each check fills in what it found, and the
// later ones use it.
type jwt struct {
	text   string
	secret []byte
	now    float64 // whole seconds since 1970

	signingInput, signature string   // by checkForm
	header, claims          []member // by checkContent, as far as they can be read
	granted                 claims   // by checkUser, when all is well
}

func newJWT(secret []byte, text string, now time.Time) *jwt {
	return &jwt{text: text, secret: secret, now: float64(now.Unix())}
}

// judge runs the checks until one refuses, and reports what each has found. Without a
// secret it skips the signature, and its verdict is errNotJudged.
func (t *jwt) judge(report func(c check, found string, err error)) error {
	var verdict error
	for _, c := range checks {
		found, err := c.run(t)
		if found == "" {
			found = c.meaning
		}
		report(c, found, err)
		if err == errNotJudged {
			verdict = err
		} else if err != nil {
			return tokenError{err, c.name}
		}
	}
	return verdict
}

const maxToken = 8 << 10 // bytes

// checkForm splits a token. The length comes first: to split at half a million dots
// would take much memory.
func (t *jwt) checkForm() (found string, err error) {
	if len(t.text) > maxToken {
		return fmt.Sprintf("%d bytes; a token has at most %d", len(t.text), maxToken), errMalformed
	}
	parts := strings.Split(t.text, ".")
	if len(parts) != 3 {
		return count(len(parts), "part") + "; a token has three", errMalformed
	}
	t.signingInput, t.signature = parts[0]+"."+parts[1], parts[2]
	return "", nil
}

// checkContent reads the header and the claims. The header's “crit” lists extensions
// that must be understood (RFC 7515 §4.1.11). We understand none.
func (t *jwt) checkContent() (found string, err error) {
	header, claims, _ := strings.Cut(t.signingInput, ".")
	var headerErr, claimsErr error
	if t.header = readOurHeader; header != ourHeader {
		t.header, headerErr = readPart(header)
	}
	t.claims, claimsErr = readPart(claims)
	switch {
	case headerErr != nil:
		found = fmt.Sprintf("the header part %v", headerErr)
	case claimsErr != nil:
		found = fmt.Sprintf("the claims part %v", claimsErr)
	case strings.Trim(t.signature, alphabet) != "": // Another character is left.
		found = "the signature part is not base64url"
	case valueOf(t.header, "crit") != "":
		found = "crit in the header asks for extensions"
	default:
		return "", nil
	}
	return found, errInvalid
}

func (t *jwt) checkSigned() (found string, err error) {
	if t.signature == "" {
		return "the signature is empty", errSignatureRequired
	}
	return "", nil
}

// checkAlgorithm does not let the token choose how it is checked. Libraries that did
// accepted tokens without a signature ("none"), or took a public RSA key, which anyone
// has, for the HMAC secret.
func (t *jwt) checkAlgorithm() (found string, err error) {
	value := valueOf(t.header, "alg")
	if alg, _ := stringOf(value); alg == "HS256" {
		return "", nil
	}
	found = fmt.Sprintf(`alg is %s; only "HS256" is accepted`, cmp.Or(value, "missing"))
	return found, errAlgorithm
}

// checkSignature compares in constant time. A comparison that stops at the first
// difference tells an attacker, by its time, how many characters are right.
func (t *jwt) checkSignature() (found string, err error) {
	switch {
	case len(t.secret) == 0:
		return "no JWT_SECRET: not checked", errNotJudged
	case !hmac.Equal([]byte(t.signature), []byte(mac(t.secret, t.signingInput))):
		return "not " + signatureMeaning, errSignature
	}
	return "", nil
}

func (t *jwt) checkNotBefore() (found string, err error) {
	value := valueOf(t.claims, "nbf")
	if value == "" {
		return "no nbf: good at once", nil
	}
	nbf, isNumber := numberOf(value)
	switch {
	case !isNumber:
		return "nbf is not a number", errInvalidNotBefore
	case nbf > t.now:
		return "starts " + relative(nbf-t.now), errNotActive
	}
	return "started " + relative(nbf-t.now), nil
}

func (t *jwt) checkExpiry() (found string, err error) {
	exp, isNumber := numberOf(valueOf(t.claims, "exp"))
	switch {
	case !isNumber:
		return "exp is missing or not a number", errInvalidExpiry
	case t.now >= exp:
		return "ended " + relative(exp-t.now), errExpired
	}
	return "ends " + relative(exp-t.now), nil
}

func (t *jwt) checkUser() (found string, err error) {
	id, _ := numberOf(valueOf(t.claims, "id")) // 0 if it is not a number
	email, isString := stringOf(valueOf(t.claims, "email"))
	if !isString || id < 1 || id != math.Trunc(id) || math.IsInf(id, 0) {
		return "id or email is not as it must be", errInvalid
	}
	iat, _ := numberOf(valueOf(t.claims, "iat"))
	exp, _ := numberOf(valueOf(t.claims, "exp"))
	t.granted = claims{int(toInt(id)), email, toInt(iat), toInt(exp)}
	return "", nil
}

// base64url is BASE64URL (RFC 7515 §2): no "=" at the end, and strict: unused bits
// must be 0, or one text could be written in several ways.
var base64url = base64.RawURLEncoding.Strict()

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// readPart reads a JSON object in base64url. Even a strict decoder skips CR and LF, so
// we compare the lengths.
func readPart(part string) ([]member, error) {
	text, err := base64url.DecodeString(part)
	if err != nil || len(part) != base64url.EncodedLen(len(text)) {
		return nil, errors.New("is not base64url")
	}
	return readObject(string(text))
}

// A member is a name in a JSON object, and its value as it was written.
type member struct{ name, value string }

// readObject returns the members of a JSON object in their order. If a name stands
// twice, it returns an error, and still all members.
//
// json.Unmarshal takes "EXP", and even "ſub", for the name in another case, and the
// last of a name that stands twice, where other readers take the first. If two programs
// read a token differently, an attacker can use that. (json.Decoder has tokens for
// this, but they would take half as long as all else that a request needs.)
func readObject(text string) (members []member, err error) {
	text = strings.Trim(text, " \t\r\n") // what JSON takes for white space, and no more
	switch {
	case !utf8.ValidString(text):
		return nil, errors.New("is not UTF-8")
	case !json.Valid([]byte(text)):
		return nil, errors.New("is not JSON")
	case text[0] != '{':
		return nil, errors.New("is not a JSON object")
	}
	members = make([]member, 0, 4)
	name, rest := cutJSON(text[1:], ":}")
	for name != "" {
		m := member{}
		m.name, _ = stringOf(name)
		m.value, rest = cutJSON(rest, ",}")
		if valueOf(members, m.name) != "" {
			err = fmt.Errorf("has the name %q twice", m.name)
		}
		members = append(members, m)
		name, rest = cutJSON(rest, ":}")
	}
	return members, err
}

// cutJSON cuts valid JSON at the first of these marks that is outside of strings,
// objects and arrays.
func cutJSON(text, marks string) (before, after string) {
	depth, isQuoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++ // and the character after it
		case c == '"':
			isQuoted = !isQuoted
		case isQuoted:
		case depth == 0 && strings.IndexByte(marks, c) >= 0:
			return strings.TrimSpace(text[:i]), text[i+1:]
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return "", ""
}

// valueOf returns the value of the member with that name, "" if there is none.
func valueOf(members []member, name string) string {
	for _, m := range members {
		if m.name == name {
			return m.value
		}
	}
	return ""
}

// numberOf reads a JSON number as JavaScript does: 1e400 is infinite.
func numberOf(value string) (n float64, isNumber bool) {
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

func stringOf(value string) (s string, isString bool) {
	switch isString = strings.HasPrefix(value, `"`); {
	case isString && !strings.Contains(value, `\`):
		s = value[1 : len(value)-1]
	case isString:
		json.Unmarshal([]byte(value), &s)
	}
	return s, isString
}

// toInt drops the fraction. It stops at ±2⁵³, because Go does not define what a larger
// number becomes; no id and no date is that large.
func toInt(n float64) int64 {
	return int64(max(-1<<53, min(n, 1<<53)))
}

// relative says how far away a time is, rounded down, in the largest unit of which
// there are two or more.
func relative(seconds float64) string {
	n := toInt(math.Abs(seconds))
	units := []string{"year", "day", "hour", "minute", "second"}
	sizes := []int64{365 * 86400, 86400, 3600, 60, 1}
	i := slices.IndexFunc(sizes, func(size int64) bool { return n >= 2*size || size == 1 })
	amount := count(int(n/sizes[i]), units[i])
	switch {
	case n == 0:
		return "now"
	case seconds < 0:
		return amount + " ago"
	}
	return "in " + amount
}

// count is "1 part", "2 parts".
func count(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}
