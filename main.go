/*
Graphql-jwt-auth lets people sign up and log in, and tells who they are: a
GraphQL service that answers a password with a JSON Web Token (JWT).

Usage:

	graphql-jwt-auth [flags]
	graphql-jwt-auth token [JWT]

The first serves http://localhost:3000/api, and a page there for browsers, until
SIGINT or SIGTERM. The second takes a token apart, from its argument or, better,
from standard input, and judges it as the server would: it exits with 0 if the
token is accepted, 1 if refused, 2 if called wrongly, and 3 if it can't judge for
want of a JWT_SECRET.

Flags:

	-addr host:port  listen there; port 0 picks a free one (default localhost:3000)
	-data file       keep the users there (default users.jsonl)
	-cost n          bcrypt cost of new password hashes, 4 to 16 (default 10)
	-ttl duration    one lifetime for every new token, such as 30s
	-v               log a line per request

Environment; a file .env of lines KEY=value may supply what is not set there:

	JWT_SECRET       the HMAC key of the tokens (default: random, new at each start)
	PORT             without -addr, listen on this port for everyone

A session, once johndoe has signed up as jo@example.com:

	$ JWT_SECRET=$(openssl rand -hex 32) graphql-jwt-auth &
	$ post() { curl -s localhost:3000/api -H 'Content-Type: application/json' "$@"; }
	$ post -d '{"query": "mutation { login(email: \"jo@example.com\", password: \"password\") }"}'
	{"data":{"login":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MSwi…"}}
	$ post -d '{"query": "{ me { id username } }"}' -H 'Authorization: Bearer eyJhbGciOiJI…'
	{"data":{"me":{"id":1,"username":"johndoe"}}}
*/
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"math"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const typeDefs = `
type User {
  id: Int!
  username: String!
  email: String!
}

type Query {
  me: User
}

type Mutation {
  signup(username: String!, email: String!, password: String!): String
  login(email: String!, password: String!): String
}
`

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program until ctx ends or a signal comes. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	complain := func(status int, err error) int {
		oneLine := strings.NewReplacer("\n", `\n`, "\r", `\r`)
		fmt.Fprintln(stderr, "graphql-jwt-auth:", oneLine.Replace(err.Error()))
		return status
	}
	env, err := environment()
	if err != nil {
		return complain(2, err)
	}
	if len(args) == 2 && args[0] == "token" && args[1] == "-h" {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "token" {
		return tokenCommand(args[1:], []byte(env("JWT_SECRET")), stdin, stdout, stderr)
	}
	set, err := readSettings(args, env, stdout)
	if err == flag.ErrHelp {
		return 0
	}
	if err != nil {
		return complain(2, err)
	}
	if err := serve(ctx, set, log.New(stderr, "", log.LstdFlags)); err != nil {
		return complain(1, err)
	}
	return 0
}

// -----------------------------------------------------------------------------
// Settings: flags over environment over .env
// -----------------------------------------------------------------------------

type settings struct {
	addr, data string
	cost       int           // of bcrypt, for new passwords
	ttl        time.Duration // of new tokens; 0: a year after signup, a day after login
	verbose    bool
	secret     string // "" stands for a random one
}

// readSettings returns flag.ErrHelp when it was asked for help and gave it.
func readSettings(args []string, env func(string) string, help io.Writer) (settings, error) {
	set := settings{secret: env("JWT_SECRET"), addr: "localhost:3000"}
	if port := env("PORT"); port != "" {
		set.addr = ":" + port
	}
	flags := flag.NewFlagSet("graphql-jwt-auth [flags | token JWT]", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&set.addr, "addr", set.addr, "listen on `host:port`; port 0 picks a free one")
	flags.StringVar(&set.data, "data", "users.jsonl", "keep the users in this `file`")
	flags.IntVar(&set.cost, "cost", 10, "bcrypt cost `n` of new password hashes, 4 to 16")
	flags.DurationVar(&set.ttl, "ttl", 0, "one lifetime for every new token, such as 30s")
	flags.BoolVar(&set.verbose, "v", false, "log a line per request")
	err := flags.Parse(args)
	_, port, noAddr := net.SplitHostPort(set.addr)
	_, noPort := strconv.ParseUint(port, 10, 16)
	switch {
	case err == flag.ErrHelp:
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
		err = fmt.Errorf("%w (-h explains the flags)", err)
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q (-h explains the flags)", flags.Arg(0))
	case set.cost < 4 || set.cost > 16:
		err = fmt.Errorf("-cost %d: must be from 4 to 16", set.cost)
	case set.ttl != 0 && set.ttl < time.Second:
		err = fmt.Errorf("-ttl %v: must be a second or more, such as 30s", set.ttl)
	case noAddr != nil || noPort != nil:
		err = fmt.Errorf("can't listen on %q: -addr must be host:port, such as localhost:3000, "+
			"and PORT a number from 0 to 65535", set.addr)
	}
	return set, err
}

// environment gives the value of a variable from the environment, else from the
// file .env, else "".
func environment() (value func(name string) string, err error) {
	text, err := os.ReadFile(".env")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (make it a file that can be read, or remove it)", err)
	}
	file := dotEnv(string(text))
	return func(name string) string { return cmp.Or(os.Getenv(name), file[name]) }, nil
}

// dotEnvLine is: export? KEY=value, where quotes keep the value as it is, and
// elsewhere a # after white space begins a comment.
var dotEnvLine = regexp.MustCompile(
	`(?m)^(?:\x{feff})?[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=` +
		`(?:[ \t]*"([^"\n]*)"|[ \t]*'([^'\n]*)'|(.*?))(?:[ \t]+#.*)?[ \t\r]*$`)

func dotEnv(text string) map[string]string {
	env := map[string]string{}
	for _, m := range dotEnvLine.FindAllStringSubmatch(text, -1) {
		env[m[1]] = m[2] + m[3] + strings.TrimSpace(m[4])
	}
	return env
}

// -----------------------------------------------------------------------------
// Serving
// -----------------------------------------------------------------------------

// serve answers requests until ctx ends or a signal comes, then finishes what is
// under way. It listens before it opens the users' file, so that the second of
// two servers started by accident stops without having touched it.
func serve(ctx context.Context, set settings, logger *log.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	addr := set.addr
	if port, ok := strings.CutPrefix(addr, "localhost:"); ok {
		addr = "127.0.0.1:" + port // even where no /etc/hosts says so
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w (-addr or PORT can name another)", err)
	}
	defer listener.Close()
	users, err := openStore(set.data, logger)
	if err != nil {
		return err
	}
	defer users.close()
	a, err := newApp(set, users, logger)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(cap(a.turns) + 2) // bcrypt leaves two, so that nothing waits for it
	if len(users.users) < 10_000 {
		debug.SetGCPercent(400) // with so small a heap, collect at 16 MB, not at 4
	} else {
		go debug.FreeOSMemory() // what was needed to load them
	}
	server := newHTTPServer(a, logger)
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		stop() // from now on, a signal ends the program at once
		patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(patience)
		close(stopped)
	})
	announce(set, listener.Addr().(*net.TCPAddr), len(users.users), logger)
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	<-stopped
	return nil
}

func newHTTPServer(handler http.Handler, logger *log.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ErrorLog:          logger,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      3 * time.Minute, // ten logins may wait 10 s each, and hash
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader + 3*maxBody, // with the URL, where %7B is one byte of a query
	}
}

// announce logs where the service is, and what is unsafe about it.
func announce(set settings, address *net.TCPAddr, users int, logger *log.Logger) {
	famous := []string{"somereallylongsecretkey", "your-256-bit-secret", "secret",
		"a-string-secret-at-least-256-bits-long"}
	switch {
	case set.secret == "":
		logger.Print("warning: no JWT_SECRET, so a random one: its tokens end with this process")
	case slices.Contains(famous, set.secret):
		logger.Print("warning: everybody knows this JWT_SECRET: anyone can log in as anyone")
	case len(set.secret) < 32:
		logger.Print("warning: JWT_SECRET is shorter than 32 bytes (RFC 7518 §3.2): it can be guessed")
	}
	if !address.IP.IsLoopback() {
		logger.Print("other machines can reach this one (with -addr localhost:3000 they can't)")
	}
	host, _, _ := net.SplitHostPort(set.addr)
	if address.IP.IsUnspecified() {
		host = "localhost"
	}
	where := net.JoinHostPort(host, strconv.Itoa(address.Port))
	logger.Printf("serving http://%s/api, with %s from %s", where, count(users, "user"), set.data)
}

// -----------------------------------------------------------------------------
// The resolvers: what the fields of typeDefs mean
// -----------------------------------------------------------------------------

// An app answers requests (ServeHTTP).
type app struct {
	settings
	key    *key // of the tokens
	store  *store
	schema *schema
	log    *log.Logger
	turns  chan struct{} // of bcrypt: as many at once as there are CPUs
}

func newApp(set settings, users *store, logger *log.Logger) (_ *app, err error) {
	a := &app{settings: set, store: users, log: logger}
	a.key = newKey([]byte(cmp.Or(set.secret, rand.Text()+rand.Text())))
	a.turns = make(chan struct{}, runtime.GOMAXPROCS(0))
	a.schema, err = newSchema(typeDefs, map[string]resolver{
		"Query.me":        a.me,
		"Mutation.signup": a.signup,
		"Mutation.login":  a.login,
	})
	return a, err
}

func (a *app) me(ctx context.Context, _ map[string]any) (any, error) {
	c, ok := ctx.Value(claimsKey{}).(claims)
	if !ok {
		return nil, unauthenticated("You are not authenticated!")
	}
	u, ok := a.store.byEmail(c.Email)
	if !ok || int64(u.ID) != c.ID {
		return nil, nil // A token can outlive its user.
	}
	return object{"id": u.ID, "username": u.Username, "email": u.Email}, nil
}

func (a *app) signup(ctx context.Context, args map[string]any) (any, error) {
	username := strings.TrimSpace(args["username"].(string))
	email := strings.TrimSpace(args["email"].(string))
	password := args["password"].(string)
	err := cmp.Or(checkUsername(username), checkEmail(email), checkPassword(password))
	if err != nil {
		return nil, badInput(err.Error())
	}
	if _, taken := a.store.byEmail(email); taken {
		return nil, badInput("Email already in use")
	}
	if a.store.stopped.Load() {
		return nil, errSave
	}
	done, err := a.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), a.cost)
	done()
	if err != nil {
		a.log.Printf("hashing a password: %v", err)
		return nil, errSave
	}
	u, err := a.store.add(username, email, string(hash))
	switch {
	case err == errEmailTaken: // by someone quicker
		return nil, badInput("Email already in use")
	case err != nil:
		return nil, errSave
	}
	return a.token(u, 365*24*time.Hour+6*time.Hour), nil // jsonwebtoken's "1y"
}

func (a *app) login(ctx context.Context, args map[string]any) (any, error) {
	u, ok := a.store.byEmail(strings.TrimSpace(args["email"].(string)))
	if !ok {
		return nil, unauthenticated("No user with that email")
	}
	password := args["password"].(string)
	if len(password) > 72 || strings.ContainsRune(password, 0) {
		return nil, unauthenticated("Incorrect password") // see checkPassword
	}
	done, err := a.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	err = bcrypt.CompareHashAndPassword([]byte(u.Password), []byte(password))
	done()
	if err != nil {
		return nil, unauthenticated("Incorrect password")
	}
	return a.token(u, 24*time.Hour), nil
}

// checkPassword refuses, among others, those that bcrypt can't tell from another:
// it reads 72 bytes, and repeats the password with U+0000 between to fill them.
func checkPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < 8:
		return errors.New("Password must be at least 8 characters")
	case len(password) > 72:
		return errors.New("Password must be at most 72 bytes")
	case strings.ContainsRune(password, 0):
		return errors.New("Password must not contain U+0000")
	}
	return nil
}

// takeTurn waits in line for a CPU to run bcrypt on: 10 s at most, or until the
// client leaves. The caller calls done when it has run.
func (a *app) takeTurn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if ctx.Err() == nil {
		select {
		case a.turns <- struct{}{}:
			return func() {
				<-a.turns
				runtime.Gosched() // to the next in line, or a CPU might wait for work
			}, nil
		case <-ctx.Done():
		}
	}
	return nil, codedError{"SERVICE_UNAVAILABLE", "Too busy, try again later"}
}

func (a *app) token(u user, lifetime time.Duration) string {
	now := time.Now()
	expiry := now.Add(cmp.Or(a.ttl, lifetime).Truncate(time.Second))
	return sign(a.key, claims{int64(u.ID), u.Email, now.Unix(), expiry.Unix()})
}

var errSave = codedError{"INTERNAL_SERVER_ERROR", "Could not save the user"}

func unauthenticated(message string) error { return codedError{"UNAUTHENTICATED", message} }
func badInput(message string) error        { return codedError{"BAD_USER_INPUT", message} }

// -----------------------------------------------------------------------------
// HTTP, from the outside in (GraphQL over HTTP, draft of 2025)
// -----------------------------------------------------------------------------

const (
	maxHeader = 64 << 10  // bytes
	maxBody   = 100 << 10 // bytes, also of a query in a URL

	plainJSON   = "application/json"
	graphQLJSON = "application/graphql-response+json"
)

// ServeHTTP answers a request, and logs it if that is asked for: of what the
// client wrote, a method, a path (escaped) and a name, each cut short.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	mediaType := negotiate(strings.Join(r.Header["Accept"], ","))
	re := a.route(r, mediaType)
	header := w.Header()
	for _, h := range everyReply {
		header[h.name] = h.value
	}
	if re.body != nil {
		header["Content-Type"] = contentType[cmp.Or(mediaType, plainJSON)]
	}
	maps.Copy(header, re.header)
	w.WriteHeader(re.status)
	w.Write(re.body)
	if a.verbose {
		a.log.Printf("%.99s %.99s %.99s %d %v", r.Method, r.URL.EscapedPath(),
			cmp.Or(re.operation, "-"), re.status, time.Since(began).Round(10*time.Microsecond))
	}
}

type reply struct {
	status    int
	header    http.Header // besides everyReply
	body      []byte
	operation string // its name, for the log
}

// refusal is the reply to a request that is not executed. A header is its name
// and its value.
func refusal(status int, message string, header ...string) *reply {
	re, e := &reply{status: status}, gqlError{Message: message}
	if header != nil {
		re.header = http.Header{header[0]: header[1:]}
	}
	if status == http.StatusUnauthorized {
		e.Extensions = map[string]string{"code": "UNAUTHENTICATED"}
	}
	re.body = e.refusal()
	return re
}

var (
	// A page of any origin may ask: it is known by the token it sends, not by a cookie.
	everyReply = []struct {
		name  string
		value []string
	}{
		{"Access-Control-Allow-Origin", []string{"*"}},
		{"Access-Control-Expose-Headers", []string{"WWW-Authenticate"}},
		{"Cache-Control", []string{"no-store"}},
		{"Vary", []string{"Accept"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
	}
	contentType = map[string][]string{
		plainJSON:   {plainJSON + "; charset=utf-8"},
		graphQLJSON: {graphQLJSON + "; charset=utf-8"},
	}
	preflight = http.Header{
		"Access-Control-Allow-Methods": {"GET, POST"},
		"Access-Control-Allow-Headers": {"Authorization, Content-Type"},
	}

	errBearer   = refusal(400, "Format is Authorization: Bearer [token]")
	errURL      = refusal(400, "The query of the URL can't be read")
	errBody     = refusal(400, "The body must be a JSON object in UTF-8")
	errQuery    = refusal(400, "query must be a string")
	errMembers  = refusal(400, "operationName must be a string, variables and extensions objects")
	errNotFound = refusal(404, "Not found: GraphQL is at /api")
	errMethod   = refusal(405, "Use POST, or GET for queries", "Allow", "GET, HEAD, POST, OPTIONS")
	errMutation = refusal(405, "Use POST for mutations", "Allow", "POST")
	errAccept   = refusal(406, "Accept "+graphQLJSON+" or "+plainJSON)
	errTooLarge = refusal(413, "A request may have 100 KiB at most")
	errNotJSON  = refusal(415, "Send application/json in UTF-8, not encoded further")
	errHeader   = refusal(431, "The headers may have 64 KiB at most", "Connection", "close")
)

// negotiate returns which of our media types weighs most in an Accept header, of
// equals the one named first, and "" if it wants neither (RFC 9110 §12.5.1).
func negotiate(accept string) (mediaType string) {
	if accept == "" || accept == "*/*" {
		return plainJSON
	}
	weight, place := 0.0, 0
	for _, ours := range []string{plainJSON, graphQLJSON} {
		if w, p := weigh(accept, ours); w > weight || w == weight && p < place {
			mediaType, weight, place = ours, w, p
		}
	}
	return mediaType
}

// weigh finds the range that says most precisely what mediaType is worth.
func weigh(accept, mediaType string) (weight float64, place int) {
	precision := -1
	for i, item := range strings.Split(accept, ",") {
		name, params, _ := mime.ParseMediaType(item)
		p := slices.Index([]string{"*/*", "application/*", mediaType}, name)
		if p > precision {
			precision, place = p, i
			weight, _ = strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
		}
	}
	return weight, place
}

func (a *app) route(r *http.Request, mediaType string) reply {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case headerSize(r.Header) > maxHeader:
		return *errHeader
	case r.URL.Path == "/" && get:
		return reply{status: 302, header: http.Header{"Location": {"/api"}}}
	case r.URL.Path != "/api":
		return *errNotFound
	case r.Method == http.MethodOptions:
		return reply{status: 204, header: preflight}
	case !get && r.Method != http.MethodPost:
		return *errMethod
	case get && strings.Contains(r.Header.Get("Accept"), "text/html") &&
		!r.URL.Query().Has("query"):
		return reply{status: 200, header: pageHeader, body: []byte(page)}
	case mediaType == "":
		return *errAccept
	}
	return a.graphQL(r, mediaType)
}

func headerSize(header http.Header) (bytes int) {
	for name, values := range header {
		for _, value := range values {
			bytes += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return bytes
}

// graphQL judges the token, then the document, then runs its operation.
func (a *app) graphQL(r *http.Request, mediaType string) (re reply) {
	ctx, refused := a.authenticate(r)
	if refused != nil {
		return *refused
	}
	p, refused := readParameters(r)
	if refused != nil {
		return *refused
	}
	ran := false
	op, refusal := a.schema.prepare(p.query, p.operationName)
	switch {
	case refusal != nil:
		re.body = refusal
	case op.definition.kind == "mutation" && r.Method != http.MethodPost:
		return *errMutation
	default:
		re.operation = op.definition.name
		re.body, ran = op.execute(ctx, p.variables)
	}
	re.status = 200
	if mediaType == graphQLJSON && !ran {
		re.status = 400 // as application/json, it is 200 even then
	}
	return re
}

// claimsKey is where the context of a resolver has the claims of the token.
type claimsKey struct{}

// authenticate adds the claims of the token to the context. Without a token, a
// request is anonymous; with a bad one, it is refused whatever it asks.
func (a *app) authenticate(r *http.Request) (context.Context, *reply) {
	token, refused := bearerToken(r.Header["Authorization"])
	if token == "" {
		return r.Context(), refused
	}
	c, err := verify(a.key, token, time.Now())
	if err != nil {
		return nil, refusal(401, err.Error(), "Www-Authenticate", // RFC 6750 §3
			fmt.Sprintf(`Bearer error="invalid_token", error_description="%v"`, err))
	}
	return context.WithValue(r.Context(), claimsKey{}, c), nil
}

// bearerToken finds the token (RFC 6750 §2.1), or "" if there is none.
func bearerToken(authorization []string) (token string, refused *reply) {
	for _, value := range authorization {
		scheme, rest, _ := strings.Cut(strings.ReplaceAll(value, "\t", " "), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		rest = strings.TrimSpace(rest)
		if rest == "" || strings.Contains(rest, " ") || token != "" {
			return "", errBearer
		}
		token = rest
	}
	return token, nil
}

// The parameters of a request (§5.1). Its extensions are checked, and not used.
type parameters struct {
	query         string
	operationName *string // "" is a name, too
	variables     map[string]json.RawMessage
}

func readParameters(r *http.Request) (p parameters, refused *reply) {
	read := readURL
	if r.Method == http.MethodPost {
		read = readBody
	}
	members, refused := read(r)
	hasQuery := false
	for _, m := range members { // of repeated names, the last counts, as in JavaScript
		ok := true
		switch m.name {
		case "query":
			p.query, hasQuery = stringValue(m.value)
		case "operationName":
			p.operationName, ok = nameOrNull(m.value)
		case "variables":
			p.variables, ok = objectOrNull(m.value)
		case "extensions":
			_, ok = objectOrNull(m.value)
		}
		if !ok {
			return p, errMembers
		}
	}
	if refused == nil && !hasQuery {
		refused = errQuery
	}
	return p, refused
}

func nameOrNull(value string) (name *string, ok bool) {
	text, isString := stringValue(value)
	if !isString {
		return nil, value == "null"
	}
	return &text, true
}

func objectOrNull(value string) (members map[string]json.RawMessage, ok bool) {
	err := json.Unmarshal([]byte(value), &members)
	return members, err == nil
}

// readBody returns the members of the body's JSON object.
func readBody(r *http.Request) ([]member, *reply) {
	if !isJSON(r.Header.Get("Content-Type")) || r.Header.Get("Content-Encoding") != "" {
		return nil, errNotJSON
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	members, _ := parseObject(string(body)) // repeated names and all
	if err != nil || members == nil {
		return nil, errBody
	}
	return members, nil
}

func isJSON(contentType string) bool {
	if contentType == plainJSON {
		return true // as most clients write it
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset := cmp.Or(params["charset"], "utf-8")
	return err == nil && mediaType == plainJSON && strings.EqualFold(charset, "utf-8")
}

// readURL returns the same members from the URL, where variables and extensions
// are JSON and the others are not.
func readURL(r *http.Request) (members []member, _ *reply) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if len(values.Get("query")) > maxBody {
		return nil, errTooLarge
	}
	readable := err == nil
	for name, value := range values {
		text := appendJSONString(nil, value[0])
		if name == "variables" || name == "extensions" {
			text = []byte(cmp.Or(value[0], "null"))
		}
		readable = readable && utf8.Valid(text) && json.Valid(text)
		members = append(members, member{name, strings.TrimSpace(string(text))})
	}
	if !readable {
		return nil, errURL
	}
	return members, nil
}

// -----------------------------------------------------------------------------
// The token command
// -----------------------------------------------------------------------------

// tokenCommand takes a token apart and lets the server's own checks judge it.
// It returns the exit status.
func tokenCommand(args []string, secret []byte, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &jwt{text: readToken(args, stdin), key: newKey(secret), now: float64(time.Now().Unix())}
	if t.text == "" {
		fmt.Fprintln(stderr, "token: give it one token, as the argument or on standard input")
		return 2
	}
	list, unproven := slices.Clone(checks), len(secret) == 0
	if unproven { // the signature is left out, and nothing accepted
		i := slices.IndexFunc(list, func(c check) bool { return c.name == "signature" })
		list[i].run = func(*jwt) error { return nil }
	}
	passed, err := t.judge(list)

	var out bytes.Buffer
	if passed > 0 {
		t.writeParts(&out)
	}
	for i, c := range list {
		state, found := "pass", t.explain(c, nil)
		switch {
		case i > passed:
			state, found = "skip", "not reached"
		case i == passed:
			state, found = "FAIL", t.explain(c, err)
		case unproven && c.name == "signature":
			state, found = "skip", "no JWT_SECRET: not checked"
		}
		fmt.Fprintf(&out, "%s  %-10s  %-44s  %s\n", state, c.name, printable(found, 44), c.section)
	}
	status, verdict := 0, "accepted"
	switch {
	case err != nil:
		status, verdict = 1, "refused: "+err.Error()
	case unproven:
		status, verdict = 3, "not judged: without JWT_SECRET, anyone may have written this"
	}
	fmt.Fprintf(&out, "\n%s\n", verdict)
	io.WriteString(stdout, paint(stdout, out.String()))
	return status
}

// readToken returns the one token of the arguments or else of standard input, ""
// if there is none or another. A person who types nothing is not waited for.
func readToken(args []string, stdin io.Reader) string {
	text := ""
	switch {
	case len(args) == 1:
		text = args[0]
	case len(args) == 0 && !isTerminal(stdin):
		input, _ := io.ReadAll(io.LimitReader(stdin, 1<<20))
		text = string(input)
	}
	words := strings.Fields(text)
	if len(words) > 0 && strings.EqualFold(words[0], "Bearer") {
		words = words[1:]
	}
	if len(words) != 1 {
		return ""
	}
	return words[0]
}

// writeParts writes what can be read of a token that has three parts.
func (t *jwt) writeParts(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	t.writeMembers(table, "header", t.header)
	t.writeMembers(table, "claims", t.claims)
	signature := "not base64url"
	if b, err := base64.RawURLEncoding.DecodeString(t.signature); t.signature == "" {
		signature = "empty"
	} else if err == nil {
		signature = count(len(b), "byte")
	}
	fmt.Fprintf(table, "signature\t%s\n\n", signature)
	table.Flush()
}

// writeMembers writes a line for each member, at most six, the first with a title.
func (t *jwt) writeMembers(w io.Writer, title string, members []member) {
	if members != nil && len(members) == 0 {
		fmt.Fprintf(w, "%s\t{}\n", title)
	}
	for i, m := range members {
		if i == 5 && len(members) > 6 {
			fmt.Fprintf(w, "\t… and %d more\n", len(members)-i)
			return
		}
		value := printable(m.value, 60)
		n, isNumber := number(m.value)
		if isNumber && slices.Contains([]string{"iat", "nbf", "exp"}, m.name) &&
			math.Abs(n) < 253402300800 { // before the year 10000
			date := time.Unix(int64(n), 0).UTC().Format("  2006-01-02 15:04:05 UTC, ")
			value += date + relative(n-t.now)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", title, printable(m.name, 60), value)
		title = ""
	}
}

// explain says to people what a check has found that ended with err.
func (t *jwt) explain(c check, err error) string {
	nbf, hasStart := number(valueOf(t.claims, "nbf"))
	exp, _ := number(valueOf(t.claims, "exp"))
	start, end := relative(nbf-t.now), relative(exp-t.now)
	switch {
	case err == nil && c.name == "not before" && hasStart:
		return "started " + start
	case err == nil && c.name == "not before":
		return "no nbf: good at once"
	case err == nil && c.name == "expiry":
		return "ends " + end
	case err == nil:
		return c.passes
	case len(t.text) > maxToken:
		return fmt.Sprintf("%d bytes; a token has at most %d", len(t.text), maxToken)
	}
	return map[error]string{
		errMalformed:         count(1+strings.Count(t.text, "."), "part") + "; a token has three",
		errInvalid:           cmp.Or(t.unreadable, "id or email is not as it must be"),
		errSignatureRequired: "the signature is empty",
		errAlgorithm: fmt.Sprintf(`alg is %s; only "HS256" is accepted`,
			cmp.Or(valueOf(t.header, "alg"), "missing")),
		errSignature:        "not " + c.passes,
		errInvalidNotBefore: "nbf is not a number",
		errNotActive:        "starts " + start,
		errInvalidExpiry:    "exp is missing or not a number",
		errExpired:          "ended " + end,
	}[err]
}

// relative is a number of seconds from now, rounded down in the largest unit that
// fits in twice.
func relative(seconds float64) string {
	n := int(toInt(math.Abs(seconds)))
	names := []string{"year", "day", "hour", "minute", "second"}
	sizes := []int{365 * 86400, 86400, 3600, 60, 1}
	i := slices.IndexFunc(sizes, func(size int) bool { return n >= 2*size || size == 1 })
	words := count(n/sizes[i], names[i])
	switch {
	case n == 0:
		return "now"
	case seconds < 0:
		return words + " ago"
	}
	return "in " + words
}

// count is "1 part", "2 parts".
func count(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprint(n, " ", unit)
}

// printable cuts text to a width. What is not printable is escaped, so that a
// token can't drive the terminal.
func printable(text string, width int) string {
	var shown []rune
	for _, r := range text {
		if unicode.IsPrint(r) {
			shown = append(shown, r)
		} else {
			shown = append(shown, []rune(fmt.Sprintf(`\u%04x`, r))...)
		}
	}
	if len(shown) > width {
		return string(shown[:width-1]) + "…"
	}
	return string(shown)
}

// colours of what a line begins with, on a terminal (ECMA-48 §8.3.117). They add
// nothing to the words.
var colours = map[string]string{"header": "31", "claims": "35", "signature": "36", "pass": "32",
	"FAIL": "1;31", "skip": "2", "accepted": "32", "refused.*": "31", "not judged.*": "33"}

// paint colours what w shows, if w is a terminal that shows colours.
func paint(w io.Writer, text string) string {
	if isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		for start, colour := range colours {
			pattern := regexp.MustCompile("(?m)^" + start)
			text = pattern.ReplaceAllString(text, "\x1b["+colour+"m$0\x1b[0m")
		}
	}
	return text
}

func isTerminal(stream any) bool {
	f, isFile := stream.(*os.File)
	if !isFile {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// -----------------------------------------------------------------------------
// The page
// -----------------------------------------------------------------------------

var pageHeader = http.Header{
	"Content-Security-Policy": {"default-src 'none'; script-src " + contentHash("script") +
		"; style-src " + contentHash("style") + "; connect-src 'self'; img-src data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'"},
	"Content-Type":    {"text/html; charset=utf-8"},
	"Referrer-Policy": {"no-referrer"},
}

// contentHash names what the page's one element of that name holds, so that
// nothing slipped in can run.
func contentHash(element string) string {
	_, content, _ := strings.Cut(page, "<"+element+">")
	content, _, _ = strings.Cut(content, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>graphql-jwt-auth</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; --paper: #f4f4f1; --card: #fff; --line: #d8d9dd; --ink: #1b1d22; --muted: #5a5f69; --good: #0a6b33;
  --header: #b3123f; --claims: #6427cf; --signature: #00646f; } * { box-sizing: border-box; min-width: 0; margin: 0; padding: 0; }
@media (prefers-color-scheme: dark) { :root { --paper: #101216; --card: #191c22; --line: #343944; --ink: #e9eaee; --muted: #a2a8b4;
  --good: #6fdc97; --header: #ff8aa6; --claims: #c4a5ff; --signature: #5fd3e0; } } [role=status], #token { min-height: 1.5em; }
:focus-visible { outline: 3px solid var(--claims); outline-offset: 2px; } label, .good, .bad { font-weight: 600; }
body { border-top: 5px solid; border-image: linear-gradient(90deg, var(--header) 19.6%, #0000 0 20%, var(--claims) 0 69.6%, #0000 0 70%,
    var(--signature) 0) 5; background: var(--paper); color: var(--ink); font: .875rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main { max-width: 100rem; margin: auto; padding: 1.25rem 1rem .5rem; } p label, p input { display: inline; width: auto; }
main, section, form, .part, label, li { display: grid; gap: .6rem; align-items: start; } main { gap: 1rem; } .part, label { gap: .3rem; }
@media (min-width: 50rem) { main { grid: auto 1fr / 1fr 1fr; } #get { grid-row: span 2; } } /* the third card under the second */
@media (min-width: 75rem) { main { grid: auto / 1fr 1fr 1fr; } #get { grid-row: auto; } } pre { min-height: 5rem; }
form { grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); } form > :nth-child(n + 3) { grid-column: 1 / -1; }
section, input, textarea, pre { border: 1px solid var(--line); border-radius: 8px; } section { padding: 1rem; background: var(--card); }
h2, h3 { font-size: 1.05rem; } h2 span { display: inline-block; width: 1.6em; margin-right: .5em; border-radius: 1em; text-align: center; }
input, textarea, pre, #token { max-height: 17rem; font: .8125rem/1.5 ui-monospace, monospace; } .part textarea { field-sizing: content; }
input, textarea, pre { width: 100%; padding: .5rem; color: var(--ink); background: var(--paper); }
pre, #token { overflow: auto; white-space: pre-wrap; } #token { user-select: all; word-break: break-all; } i { font-style: normal; }
button { margin: 0 .4rem .4rem 0; padding: .4rem .9rem; border: 1px solid var(--ink); border-radius: 8px; font: inherit; font-weight: 600;
  color: inherit; background: none; } h2 span, #signup, #try { color: var(--card); background: var(--ink); } :disabled { opacity: .45; }
li { grid-template-columns: 1fr auto; gap: 0 .75rem; padding: .25rem 0; border-top: 1px solid var(--line); } li i { text-align: right; }
.part { padding-left: .75rem; border-left: 4px solid; } :where(.part > :not(h3), b) { color: var(--ink); } .good { color: var(--good); }
.header, .bad { color: var(--header); } .claims { color: var(--claims); } .signature { color: var(--signature); }
.muted, #authorization, li { color: var(--muted); } b::first-letter { text-transform: uppercase; } .part p:has(> :empty) { display: none; }
</style><header><h1>graphql-jwt-auth</h1><p class="muted">Sign up, look inside the token you are given, then try to cheat with it.</p>
<noscript>Without JavaScript: POST {"query": "{ me { id } }"} as application/json to this address.</noscript></header><main>
<section id="get" aria-label="Get a token"><h2><span aria-hidden="true">1</span>Get a token</h2><form><label>Username
<input id="username" value="johndoe"></label><label>Email <input id="email" value="johndoe@example.com"></label><label>Password
<input id="password" type="password" value="password" autocomplete="off"></label><p><button id="signup">Sign up</button><button
id="login">Log in</button><button id="me">Me</button></p></form><label>GraphQL query
<textarea id="query" rows="7"></textarea></label><label>Variables (JSON) <textarea id="variables" rows="1"></textarea></label><p>
<button id="send">Send</button><input id="attach" type="checkbox" checked> <label for="attach">Send the token</label></p>
<p id="authorization"></p><p id="status" role="status" aria-label="Reply status"></p>
<pre id="reply" role="region" aria-label="Reply" tabindex="0"></pre></section>
<section aria-label="Take it apart"><h2><span aria-hidden="true">2</span>Take it apart</h2>
<p id="token" role="group" aria-label="Token" tabindex="0"><i class="header"></i><i></i><i class="claims"></i><i></i><i class="signature"></i></p>
<div class="part header"><h3>Header<span></span></h3><textarea id="header" aria-label="Header (JSON)" rows="1"></textarea>
<p class="muted">How it is signed. base64url hides nothing: anyone can read this.</p></div>
<div class="part claims"><h3>Claims<span></span></h3><textarea id="claims" aria-label="Claims (JSON)" rows="2"></textarea><p>
<b>iat</b> issued <span id="iat"></span></p><p><b>nbf</b> starts <span id="nbf"></span></p><p><b>exp</b> ends
<span id="exp" role="timer" aria-label="Time left"></span></p>
<p class="muted">Who it is for, and how long. Never put a secret here.</p></div>
<div class="part signature"><h3>Signature<span></span></h3><input id="signature" aria-label="Signature"><label>Secret
<input id="secret"></label><p id="result" role="status" aria-label="Signature result"></p><p>
<button id="sign">Sign with this secret</button></p></div><label>Paste a token<input id="paste" placeholder="eyJ…"></label></section>
<section id="cheat" aria-label="Try to cheat"><h2><span aria-hidden="true">3</span>Try to cheat</h2><p>
<button id="other">Change the id</button><button id="none">Set alg to none</button><button id="expire">Expire it</button><button
id="restore">Restore</button></p><p id="hint" role="status" aria-label="Hint"></p><p><button id="try">Try this token</button></p>
<p id="verdict" role="status" aria-label="Verdict"></p><ol aria-label="Checks">
<li><b>form</b><i></i>three parts, with dots between; 8 KiB at most<i>RFC 7515 §7.1</i>
<li><b>content</b><i></i>base64url of JSON objects, no name twice, no crit<i>RFC 7519 §7.2</i>
<li><b>signed</b><i></i>a signature is there<i>RFC 7518 §3.6</i>
<li><b>algorithm</b><i></i>HS256, whatever the token asks for<i>RFC 8725 §3.1</i>
<li><b>signature</b><i></i>the HMAC-SHA-256 of header.claims<i>RFC 7518 §3.2</i>
<li><b>not before</b><i></i>nbf, if there is one, has come<i>RFC 7519 §4.1.5</i><li><b>expiry</b><i></i>exp is still to come
<i>RFC 7519 §4.1.4</i><li><b>user</b><i></i>id and email say whose it is<i>RFC 7519 §4.3</i></ol></section></main><script>
const refusals = [['jwt malformed'], ['invalid token'], ['jwt signature is required'], ['invalid algorithm'], ['invalid signature'],
  ['jwt not active', 'invalid nbf value'], ['jwt expired', 'invalid exp value']]; // of the checks, in their order
const me = '{\n  me {\n    id\n    username\n    email\n  }\n}', base64url = { alphabet: 'base64url', omitPadding: true };
let token = '', parts = ['', '', ''], given = '', giver = 0, requests = 0; // given is the server's last token, the answer to request giver
const the = (id) => document.getElementById(id), boxes = ['header', 'claims', 'signature'].map(the);
const say = (id, text, mood = '') => { Object.assign(the(id), { textContent: text, className: mood }); };
const bearer = () => the('attach').checked ? token : '', now = () => Math.floor(Date.now() / 1000);
const attempt = (action) => { try { return action(); } catch { return undefined; } }, parse = (text) => attempt(() => JSON.parse(text));
const utf8 = (text) => new TextEncoder().encode(text), encode = (text) => utf8(text).toBase64(base64url);
const decode = (part) => attempt(() => new TextDecoder().decode(Uint8Array.fromBase64(part, base64url)));
const readable = (part) => encode(decode(part)) === part && parse(decode(part)) !== undefined; // strict base64url of JSON
const membersOf = (part) => [readable(part) && parse(decode(part))].valueOf((value) => value?.constructor === Object);
const split = (text) => text.match(/^([^.]*)(\.?)([^.]*)(\.?)(.*)$/s).slice(1); // the parts and the dots between
const mutation = (field, ...names) => 'mutation {\n  ' + field + '(' + // JSON writes strings as GraphQL does
  names.map((name) => name + ': ' + JSON.stringify(the(name).value)).join(', ') + ')\n}';
async function send(bearer, query) { // posts what the editor holds, or a query put there; shows the last request's reply, returns its own
  if (query) [the('query').value, the('variables').value] = [query, ''];
  const number = ++requests, start = performance.now(), headers = { 'Content-Type': 'application/json' };
  const show = (line, mood, text) => { if (number === requests) { say('status', line, mood); say('reply', text); } };
  const variables = parse(the('variables').value.trim() || 'null'), body = JSON.stringify({ query: the('query').value, variables });
  show(variables === undefined ? 'The variables are not JSON.' : '', 'bad', ''); if (variables === undefined) return undefined;
  if (bearer) headers.Authorization = 'Bearer ' + encodeURI(bearer); // whatever was typed: a header takes ASCII alone
  try {
    const response = await fetch(location.pathname, { method: 'POST', headers, body }), text = await response.text();
    const ms = Math.round(performance.now() - start), challenge = response.headers.get('WWW-Authenticate');
    const reply = parse(text), error = reply?.errors?.[0]?.message, fresh = reply?.data?.signup ?? reply?.data?.login;
    show([response.status, response.statusText, 'in', ms, error ? 'ms: ' + error : 'ms'].join(' '), response.ok && !error ? 'good' : 'bad',
      (challenge ? 'WWW-Authenticate: ' + challenge + '\n\n' : '') + (reply ? JSON.stringify(reply, null, 2) : text));
    if (typeof fresh === 'string' && number > giver) { [given, giver] = [fresh, number]; restore(); } return reply;
  } catch { return show('No reply: is the server still running?', 'bad', ''); }
}
function setToken(next, hint = '') { // puts a token into every view of it; what was said of the one before goes
  const pieces = split(token = next), original = split(given || next);
  pieces.forEach((piece, i) => { the('token').children[i].textContent = piece; });
  boxes.forEach((box, i) => { const part = pieces[2 * i];
    if (part !== parts[i]) box.value = i < 2 && readable(part) ? decode(part) : part; // else it is being typed
    box.previousElementSibling.lastChild.textContent = part === original[2 * i] ? '' : ' · changed'; parts[i] = part; });
  for (const button of document.querySelectorAll('#cheat button, #sign')) button.disabled = !token; the('sign').disabled ||= !crypto.subtle;
  say('hint', token ? hint : 'First get a token: sign up, log in or paste one.'); judge(''); showHeader(); showTimes(); checkSignature();
}
const restore = () => given ? setToken(given, 'The token as the server gave it.') : say('hint', 'The server has given no token yet.');
const showHeader = () => say('authorization', bearer() ? 'Authorization: Bearer ' + token.slice(0, 9) + '…' : 'No Authorization header');
const showTimes = () => ['iat', 'nbf', 'exp'].forEach((name) => say(name, when(membersOf(parts[1])?.[name])));
function when(seconds) {
  const gap = Math.floor(seconds) - now(), s = Math.abs(gap), date = new Date(seconds * 1000);
  const counts = [s / 86400, s / 3600 % 24, s / 60 % 60, s % 60].map(Math.floor), from = counts.findIndex(Boolean);
  const words = counts.map((count, i) => count + [' d', ' h', ' min', ' s'][i]).slice(from).join(' '); // of 0 s, the last: slice(-1)
  return typeof seconds !== 'number' ? '' : (isNaN(date) ? seconds : date.toISOString().replace(/T(.*)\..*/, ' $1 UTC')) +
    (gap > 0 ? ', in ' + words : ', ' + words + ' ago');
}
async function checkSignature() { // compares with the HMAC-SHA-256 of header.claims under the secret; returns the token so signed
  const [header, claims, signature] = parts, secret = the('secret').value, checked = token + secret, { subtle } = crypto;
  if (!subtle) return say('result', 'Only https and localhost have WebCrypto: graphql-jwt-auth token does it too.');
  if (!secret || !token) return say('result', 'Type the JWT_SECRET the server was started with; it stays in this page.');
  const key = await subtle.importKey('raw', utf8(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = new Uint8Array(await subtle.sign('HMAC', key, utf8(header + '.' + claims))).toBase64(base64url);
  const ok = mac === signature, matches = 'Matches: this secret signed this header and these claims.';
  if (checked === token + the('secret').value) say('result', ok ? matches : 'Differs: with this secret it is ' + mac, ok ? 'good' : 'bad');
  return header + '.' + claims + '.' + mac;
}
function cheat(i, change, hint) { // changes members of part i; the signature stays, but for alg none, which has none
  const members = membersOf(parts[i]), changed = i === 0 ? parts.with(2, '') : parts;
  if (!members) return say('hint', 'That part is not a JSON object: nothing to change.');
  setToken(changed.with(i, encode(JSON.stringify({ ...members, ...change(members) }))).join('.'), hint);
}
function judge(verdict, mood, passed) { // passed: how many checks; undefined: not known
  say('verdict', verdict, mood);
  document.querySelectorAll('b + i').forEach((state, i) => { [state.textContent, state.className] =
    i < passed ? ['✓ passed', 'good'] : i === passed ? ['✗ refused', 'bad'] : [i > passed ? 'not reached' : '', '']; });
}
async function tryToken() {
  const tried = token, [header, claims] = parts.map(membersOf); judge('');
  const reply = await send(token, me), refusal = reply?.errors?.[0]?.message, user = reply?.data?.me;
  if (tried !== token) return; // it was changed meanwhile
  const named = Number.isSafeInteger(claims?.id) && claims.id > 0 && typeof claims.email === 'string';
  const failed = header && claims && !named && refusal === 'invalid token' ? 7 : refusals.findIndex((all) => all.includes(refusal));
  if (refusal) judge('Refused: ' + refusal, 'bad', failed);
  else if (user) judge('Accepted: you are ' + user.username + ', user ' + user.id, 'good', 8);
  else if (user === null) judge('Accepted, but there is no such user: me is null', 'good', 8);
  else judge('No verdict: the reply says nothing of the token', 'bad');
}
Object.entries({ restore, try: tryToken, login: () => send('', mutation('login', 'email', 'password')),
  signup: (click) => click.detail < 2 && send('', mutation('signup', 'username', 'email', 'password')), // a double click asks once
  sign: () => checkSignature().then((signed) => signed ? setToken(signed, 'Signed with this secret.') : the('secret').focus()),
  other: () => cheat(1, ({ id }) => ({ id: Number(id) + 1 || 1 }), 'The claims name another user; the signature is still yours.'),
  me: () => send(bearer(), me), send: () => send(bearer()), none: () => cheat(0, () => ({ alg: 'none' }), 'The header asks for no check.'),
  expire: () => cheat(1, () => ({ exp: now() - 60 }), 'The claims say that it ended a minute ago.'),
}).forEach(([id, action]) => { the(id).onclick = action; });
boxes.forEach((box, i) => { box.oninput = () => { parts[i] = i < 2 ? encode(box.value) : box.value; setToken(parts.join('.')); }; });
the('paste').oninput = () => setToken(the('paste').value.trim().replace(/^Bearer\s+/i, ''));
document.forms[0].onsubmit = () => false; the('attach').onchange = showHeader; the('secret').oninput = checkSignature;
for (const field of document.querySelectorAll('input, textarea')) field.autocomplete = 'off'; // a reload forgets
the('query').value = me; setToken(''); (function tick() { showTimes(); setTimeout(tick, 1000 - Date.now() % 1000); })();</script>
`
