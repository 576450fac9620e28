// A JSON Web Token (JWT, RFC 7519) is a pass that a server writes once and can
// check later without having kept a copy. It is three texts with dots between:
//
//	eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9    header: how it is signed
//	  {"alg":"HS256","typ":"JWT"}
//	eyJpZCI6MSwiZW1haWwiOiJqb2huZG9lQGV…    claims: whose it is, until when
//	  {"id":1,"email":"johndoe@example.com","iat":1518346667,"exp":1549904267}
//	fnQR82q_trW-6J9-ISrWbzt-u8q6HBidYzP…    signature: that we wrote it
//	  HMAC-SHA-256(secret, header + "." + claims)
//
// Each part is bytes in base64url (RFC 4648 §5): letters, digits, "-" and "_",
// so that a token fits into a header or a URL. The signature (RFC 7515) covers
// the first two parts as they are written, the dot included. Changing one
// character of them calls for another signature, and only who knows the secret
// can work it out.
//
// What a token does not do: it hides nothing, since base64url is not encryption
// and anyone can read the claims. And it can't be taken back: it is good until
// it expires, in whoever's hands.
//
// Left out: every algorithm but HS256, encrypted tokens (JWE), and the claims
// iss, sub, aud and jti, which one server on its own has no use for.

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// claims is the claims set (RFC 7519 §4). Times are in seconds since 1970, UTC
// (NumericDate).
type claims struct {
	ID        int64
	Email     string
	IssuedAt  int64 // iat
	ExpiresAt int64 // exp: good before this second
}

// sign writes a token, byte for byte as jsonwebtoken would.
func sign(k *key, c claims) string {
	set := fmt.Sprintf(`{"id":%d,"email":%s,"iat":%d,"exp":%d}`,
		c.ID, appendJSONString(nil, c.Email), c.IssuedAt, c.ExpiresAt)
	signingInput := ourHeader + "." + base64url.EncodeToString([]byte(set))
	return signingInput + "." + k.mac(signingInput)
}

// ourHeader begins every token of ours. It is read once and for all.
var (
	ourHeader        = base64url.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	readOurHeader, _ = readPart(ourHeader)
)

// A key is a secret that hashes have taken in: that is half of the work of a
// signature, and the same for all. Each hash serves one request at a time.
type key struct{ hashes sync.Pool }

func newKey(secret []byte) *key {
	return &key{sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
}

// mac is the signature of the signing input, "header.claims" (RFC 7518 §3.2).
func (k *key) mac(signingInput string) string {
	h := k.hashes.Get().(hash.Hash)
	defer k.hashes.Put(h)
	h.Reset()
	h.Write([]byte(signingInput))
	return base64url.EncodeToString(h.Sum(nil))
}

// What a token is refused with: jsonwebtoken's words.
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
)

// verify returns the claims of a token that we signed and that is good at the
// time now. Otherwise the error is that of the first check it fails.
func verify(k *key, token string, now time.Time) (claims, error) {
	t := &jwt{text: token, key: k, now: float64(now.Unix())}
	if _, err := t.judge(checks); err != nil {
		return claims{}, err
	}
	return t.granted, nil
}

// A check is one reason to refuse a token.
type check struct {
	name    string
	passes  string // what is true of a token that passes
	section string // where that is written
	run     func(*jwt) error
}

// checks are in jsonwebtoken's order. No claim is believed before the
// signature is found to be ours; until then anyone may have written it.
var checks = []check{
	{"form", "three parts, with dots between", "RFC 7515 §7.1", (*jwt).form},
	{"content", "base64url of JSON objects, no name twice", "RFC 7519 §7.2", (*jwt).content},
	{"signed", "a signature is there", "RFC 7518 §3.6", (*jwt).signed},
	{"algorithm", "HS256, the only one accepted", "RFC 8725 §3.1", (*jwt).algorithm},
	{"signature", "the HMAC-SHA-256 of header.claims", "RFC 7518 §3.2", (*jwt).authentic},
	{"not before", "nbf, if there is one, has come", "RFC 7519 §4.1.5", (*jwt).notBefore},
	{"expiry", "exp is still to come", "RFC 7519 §4.1.4", (*jwt).expiry},
	{"user", "id and email say whose it is", "RFC 7519 §4.3", (*jwt).user},
}

// jwt is a token under examination. Each check may rely on the earlier ones,
// which fill in what they found.
type jwt struct {
	text string
	key  *key
	now  float64 // whole seconds since 1970

	signingInput, signature string   // form
	header, claims          []member // content: as far as they can be read
	unreadable              string   // content: what is wrong, for people
	granted                 claims   // user
}

// judge runs the checks up to the first that refuses, whose error it returns,
// and counts those that passed.
func (t *jwt) judge(checks []check) (passed int, err error) {
	for i := range checks {
		if err := checks[i].run(t); err != nil {
			return i, err
		}
	}
	return len(checks), nil
}

const maxToken = 8 << 10 // bytes

func (t *jwt) form() error {
	if len(t.text) > maxToken || strings.Count(t.text, ".") != 2 {
		return errMalformed
	}
	end := strings.LastIndex(t.text, ".")
	t.signingInput, t.signature = t.text[:end], t.text[end+1:]
	return nil
}

// content reads the header and the claims. The header's “crit” lists extensions
// that must be understood (RFC 7515 §4.1.11); we understand none.
func (t *jwt) content() error {
	var headerErr, claimsErr error
	header, set, _ := strings.Cut(t.signingInput, ".")
	if t.header = readOurHeader; header != ourHeader {
		t.header, headerErr = readPart(header)
	}
	t.claims, claimsErr = readPart(set)
	switch {
	case headerErr != nil:
		t.unreadable = "the header part " + headerErr.Error()
	case claimsErr != nil:
		t.unreadable = "the claims part " + claimsErr.Error()
	case strings.ContainsFunc(t.signature, notBase64url):
		t.unreadable = "the signature part is not base64url"
	case valueOf(t.header, "crit") != "":
		t.unreadable = "crit in the header asks for extensions"
	default:
		return nil
	}
	return errInvalid
}

func (t *jwt) signed() error {
	if t.signature == "" {
		return errSignatureRequired
	}
	return nil
}

// algorithm does not let the token choose how it is checked: libraries that did
// took "none" for an answer, or a public RSA key for an HMAC secret.
func (t *jwt) algorithm() error {
	if alg, _ := stringValue(valueOf(t.header, "alg")); alg != "HS256" {
		return errAlgorithm
	}
	return nil
}

// authentic compares in constant time: an early end would tell a forger how
// many characters are right so far.
func (t *jwt) authentic() error {
	if !hmac.Equal([]byte(t.signature), []byte(t.key.mac(t.signingInput))) {
		return errSignature
	}
	return nil
}

func (t *jwt) notBefore() error {
	value := valueOf(t.claims, "nbf")
	if value == "" {
		return nil
	}
	nbf, isNumber := number(value)
	switch {
	case !isNumber:
		return errInvalidNotBefore
	case nbf > t.now:
		return errNotActive
	}
	return nil
}

func (t *jwt) expiry() error {
	exp, isNumber := number(valueOf(t.claims, "exp"))
	switch {
	case !isNumber:
		return errInvalidExpiry
	case t.now >= exp:
		return errExpired
	}
	t.granted.ExpiresAt = toInt(exp)
	return nil
}

func (t *jwt) user() error {
	id, _ := number(valueOf(t.claims, "id")) // 0 if it is none
	email, isString := stringValue(valueOf(t.claims, "email"))
	if !isString || id < 1 || id != math.Trunc(id) || math.IsInf(id, 0) {
		return errInvalid
	}
	iat, _ := number(valueOf(t.claims, "iat"))
	t.granted.ID, t.granted.Email, t.granted.IssuedAt = toInt(id), email, toInt(iat)
	return nil
}

// toInt drops the fraction and stops at 2⁵³: no user and no date is beyond.
func toInt(n float64) int64 {
	return int64(max(-1<<53, min(n, 1<<53)))
}

// base64url is BASE64URL (RFC 7515 §2): no "=" at the end, and strict: unused
// bits must be 0, or one text could be written in several ways.
var base64url = base64.RawURLEncoding.Strict()

// readPart reads a JSON object in base64url. Even a strict decoder skips CR and
// LF; the length gives them away.
func readPart(part string) ([]member, error) {
	text, err := base64url.DecodeString(part)
	if err != nil || len(part) != base64url.EncodedLen(len(text)) {
		return nil, errors.New("is not base64url")
	}
	return parseObject(string(text))
}

func notBase64url(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && !('0' <= r && r <= '9') && r != '-' && r != '_'
}

// A member is a name and its value in a JSON object.
type member struct {
	name  string // without quotes and escapes
	value string // in JSON, as it was written
}

// parseObject returns the members of a JSON object in their order. A name that
// stands twice is an error, with all the members returned nevertheless.
//
// Unmarshal would not do: it takes "EXP", and even "ſub", for the field of
// another case, and the last of repeated names where other readers take the
// first. Who checks a token and who uses it must not read it in two ways.
func parseObject(text string) ([]member, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("is not UTF-8")
	}
	if !json.Valid([]byte(text)) {
		return nil, errors.New("is not JSON")
	}
	return splitMembers(text)
}

// splitMembers takes apart what is valid JSON. The members are pieces of the text,
// which stays in memory as long as one of them.
func splitMembers(text string) ([]member, error) {
	text = strings.TrimSpace(text)
	if text[0] != '{' {
		return nil, errors.New("is not a JSON object")
	}
	text = strings.TrimSpace(text[1 : len(text)-1])
	members := make([]member, 0, 6)
	for text != "" {
		colon := indexOutside(text, ':')
		comma := colon + indexOutside(text[colon:], ',')
		name := unquote(strings.TrimSpace(text[:colon]))
		members = append(members, member{name, strings.TrimSpace(text[colon+1 : comma])})
		text = text[min(comma+1, len(text)):]
	}
	return members, repeatedName(members)
}

// repeatedName names a member that stands twice. It sorts, since to compare each
// name with each would take too long for a large body.
func repeatedName(members []member) error {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	slices.Sort(names)
	for i := range names {
		if i > 0 && names[i] == names[i-1] {
			return fmt.Errorf("has the name %s twice", appendJSONString(nil, names[i]))
		}
	}
	return nil
}

// indexOutside is the index of the first mark outside of strings, objects and
// arrays, or len(text).
func indexOutside(text string, mark byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++ // and the character after it
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == mark && depth == 0:
			return i
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return len(text)
}

// find returns the value of the member with that name, "" if there is none.
func valueOf(object []member, name string) string {
	for _, m := range object {
		if m.name == name {
			return m.value
		}
	}
	return ""
}

// number reads a JSON number as JavaScript does: 1e400 is infinite.
func number(value string) (n float64, ok bool) {
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

func stringValue(value string) (s string, ok bool) {
	if !strings.HasPrefix(value, `"`) {
		return "", false
	}
	return unquote(value), true
}

// unquote returns what a valid JSON string stands for.
func unquote(text string) string {
	if !strings.Contains(text, `\`) {
		return text[1 : len(text)-1]
	}
	var s string
	json.Unmarshal([]byte(text), &s) // can't fail on a valid string
	return s
}

// appendJSONString writes a string as JSON.stringify does. Go's encoder escapes <,
// >, &, U+2028 and U+2029, which would make other bytes, and another signature.
func appendJSONString(text []byte, s string) []byte {
	text = append(text, '"')
	written := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		text = append(text, s[written:i]...)
		written = i + 1
		short := strings.IndexByte("\"\\\b\t\n\f\r", c)
		if short >= 0 {
			text = append(text, '\\', `"\btnfr`[short])
		} else {
			text = fmt.Appendf(text, `\u%04x`, c)
		}
	}
	return append(append(text, s[written:]...), '"')
}
