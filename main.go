/*
Graphql-jwt-auth is a GraphQL service where people sign up and log in. It answers
a password with a JSON Web Token (JWT), and tells whose token it is.

Usage:

	graphql-jwt-auth [flags]
	graphql-jwt-auth token [JWT]

The first serves http://localhost:3000/api, and a page there for browsers, until
SIGINT or SIGTERM. The second takes a token apart and judges it as the server
would. The token is its argument or, better, its standard input. The exit status
is 0 if the token is accepted, 1 if it is refused, 2 if the arguments are wrong,
and 3 if there is no JWT_SECRET to judge it with.

Flags:

	-addr host:port  listen there; port 0 picks a free one (default localhost:3000)
	-data file       keep the users there (default users.jsonl)
	-cost n          bcrypt cost of new password hashes, 4 to 16 (default 10)
	-ttl duration    one lifetime for every new token, such as 30s
	-v               log a line per request

Environment; a file .env of lines KEY=value may supply what is not set there:

	JWT_SECRET       the HMAC key of the tokens (default: random, new at each start)
	PORT             without -addr, listen on this port, for all machines

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
	"html"
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
	if len(args) > 0 && args[0] == "token" && !slices.Equal(args[1:], []string{"-h"}) {
		return tokenCommand(args[1:], []byte(env("JWT_SECRET")), stdin, stdout, stderr)
	}
	config, err := readSettings(args, env, stdout)
	switch {
	case err == flag.ErrHelp:
		return 0
	case err != nil:
		return complain(2, err)
	}
	if err := serve(ctx, config, log.New(stderr, "", log.LstdFlags)); err != nil {
		return complain(1, err)
	}
	return 0
}

// -----------------------------------------------------------------------------
// Settings: a flag wins over the environment, and the environment over .env
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
	config := settings{secret: env("JWT_SECRET"), addr: "localhost:3000"}
	if port := env("PORT"); port != "" {
		config.addr = ":" + port
	}
	if len(args) > 0 && args[0] == "token" {
		args = args[1:] // Only -h is left: see run.
	}
	flags := flag.NewFlagSet("graphql-jwt-auth [flags | token JWT]", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&config.addr, "addr", config.addr,
		"listen on `host:port`; port 0 picks a free one")
	flags.StringVar(&config.data, "data", "users.jsonl", "keep the users in this `file`")
	flags.IntVar(&config.cost, "cost", 10, "bcrypt cost `n` of new password hashes, 4 to 16")
	flags.DurationVar(&config.ttl, "ttl", 0, "one lifetime for every new token, such as 30s")
	flags.BoolVar(&config.verbose, "v", false, "log a line per request")
	err := flags.Parse(args)
	_, port, noAddr := net.SplitHostPort(config.addr)
	_, noPort := strconv.ParseUint(port, 10, 16)
	switch {
	case err == flag.ErrHelp:
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
		err = fmt.Errorf("%w (-h explains the flags)", err)
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q (-h explains the flags)", flags.Arg(0))
	case config.cost < 4 || config.cost > 16:
		err = fmt.Errorf("-cost %d: must be from 4 to 16", config.cost)
	case config.ttl != 0 && config.ttl < time.Second:
		err = fmt.Errorf("-ttl %v: must be a second or more, such as 30s", config.ttl)
	case noAddr != nil || noPort != nil:
		err = fmt.Errorf("can't listen on %q: -addr must be host:port, such as localhost:3000, "+
			"and PORT a number from 0 to 65535", config.addr)
	}
	return config, err
}

// environment returns a function that looks up a name in the environment, then in the
// file .env.
func environment() (value func(name string) string, err error) {
	text, err := os.ReadFile(".env")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (make it a file that can be read, or remove it)", err)
	}
	file := dotEnv(string(text))
	return func(name string) string { return cmp.Or(os.Getenv(name), file[name]) }, nil
}

// dotEnvLine is: export? KEY=value. Quotes keep the value as it is; elsewhere a #
// after white space begins a comment.
var dotEnvLine = regexp.MustCompile(
	`(?m)^(?:\x{feff})?[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=` +
		`(?:[ \t]*"([^"\n]*)"|[ \t]*'([^'\n]*)'|(.*?))(?:[ \t]+#.*)?[ \t\r]*$`)

func dotEnv(text string) map[string]string {
	env := map[string]string{}
	for _, m := range dotEnvLine.FindAllStringSubmatch(text, -1) {
		env[m[1]] = m[2] + m[3] + strings.Trim(m[4], " \t\r")
	}
	return env
}

// -----------------------------------------------------------------------------
// Serving
// -----------------------------------------------------------------------------

// serve answers requests until ctx ends or a signal comes, then finishes what is
// under way. It listens before it opens the users' file, so that a second server,
// started by mistake, stops before it reads it.
func serve(ctx context.Context, config settings, logger *log.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // After the first signal, a second ends the program at once.
	listeners, err := listen(config.addr)
	if err != nil {
		return fmt.Errorf("%w (-addr or PORT can name another)", err)
	}
	server := newHTTPServer(logger)
	defer server.Close()
	defer closeAll(listeners)
	users, err := openStore(config.data, logger)
	if err != nil {
		return err
	}
	defer users.close()
	app, err := newApp(config, users, logger)
	if err != nil {
		return err
	}
	server.Handler = app
	runtime.GOMAXPROCS(cap(app.turns) + 2) // bcrypt never uses the last two
	debug.SetGCPercent(800)                // with 100, `me` takes 1.6 times the CPU time
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		stop() // before the listeners close, which the sender of a second signal may see
		patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(patience)
		close(stopped)
	})
	announce(config, listeners[0].Addr().(*net.TCPAddr), len(users.users), logger)
	ended := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { ended <- server.Serve(listener) }()
	}
	if err := <-ended; err != http.ErrServerClosed {
		return err
	}
	<-stopped
	return nil
}

// listen listens on an address. localhost is 127.0.0.1 and, where the machine has it,
// [::1], because some clients try only one of them. They have one port.
func listen(addr string) (listeners []net.Listener, err error) {
	host, port, _ := net.SplitHostPort(addr)
	hosts := []string{host}
	if host == "localhost" {
		hosts[0] = "127.0.0.1"
		if probe, err := net.Listen("tcp", "[::1]:0"); err == nil {
			probe.Close()
			hosts = append(hosts, "::1")
		}
	}
	for range 10 { // The port that is free on one may be taken on the other.
		listeners, err = listenOn(hosts, port)
		if err == nil || port != "0" {
			break
		}
	}
	return listeners, err
}

func listenOn(hosts []string, port string) (listeners []net.Listener, err error) {
	for _, host := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			closeAll(listeners)
			return nil, err
		}
		listeners = append(listeners, listener)
		port = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		listener.Close()
	}
}

func newHTTPServer(logger *log.Logger) *http.Server {
	return &http.Server{
		ErrorLog:          logger,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      3 * time.Minute, // A request can hold ten logins of 10 s each.
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader + 3*maxBody, // The URL counts too: a byte may be %7B.
	}
}

// announce logs where the service is, and what is unsafe about it.
func announce(config settings, address *net.TCPAddr, users int, logger *log.Logger) {
	famous := []string{"somereallylongsecretkey", "your-256-bit-secret", "secret",
		"a-string-secret-at-least-256-bits-long"}
	switch {
	case config.secret == "":
		logger.Print("warning: no JWT_SECRET, so a random one: its tokens end with this process")
	case slices.Contains(famous, config.secret):
		logger.Print("warning: everybody knows this JWT_SECRET: anyone can log in as anyone")
	case len(config.secret) < 32:
		logger.Print("warning: JWT_SECRET is shorter than 32 bytes (RFC 7518 §3.2): " +
			"it can be guessed")
	}
	if !address.IP.IsLoopback() {
		logger.Print("other machines can reach this one (with -addr localhost:3000 they can't)")
	}
	host, _, _ := net.SplitHostPort(config.addr)
	if address.IP.IsUnspecified() {
		host = "localhost"
	}
	where := net.JoinHostPort(host, strconv.Itoa(address.Port))
	logger.Printf("serving http://%s/api, with %s from %s",
		where, count(users, "user"), config.data)
}

// -----------------------------------------------------------------------------
// The resolvers: what the fields of typeDefs mean
// -----------------------------------------------------------------------------

// An app answers requests (ServeHTTP).
type app struct {
	settings
	key    []byte // of the tokens
	store  *store
	schema *schema
	log    *log.Logger
	turns  chan struct{} // of bcrypt: as many at once as there are CPUs
}

func newApp(config settings, users *store, logger *log.Logger) (*app, error) {
	a := &app{settings: config, store: users, log: logger}
	a.key = []byte(cmp.Or(config.secret, rand.Text()+rand.Text()))
	a.turns = make(chan struct{}, runtime.GOMAXPROCS(0))
	var err error
	a.schema, err = newSchema(typeDefs, map[string]resolver{
		"Query.me":        a.me,
		"Mutation.signup": a.signup,
		"Mutation.login":  a.login,
	})
	return a, err
}

func (a *app) me(ctx context.Context, _ map[string]any) (any, error) {
	c, isKnown := ctx.Value(claimsKey{}).(claims)
	if !isKnown {
		return nil, unauthenticated("You are not authenticated!")
	}
	u, found := a.store.byEmail(c.Email)
	if !found || u.ID != c.ID {
		return nil, nil // The user is gone, or the file is another.
	}
	return userObject(u), nil
}

func userObject(u user) object {
	return object{"id": u.ID, "username": u.Username, "email": u.Email}
}

func (a *app) signup(ctx context.Context, args map[string]any) (any, error) {
	username := strings.TrimSpace(args["username"].(string))
	email := strings.TrimSpace(args["email"].(string))
	password := args["password"].(string)
	err := cmp.Or(checkUsername(username), checkEmail(email), checkPassword(password))
	if err != nil {
		return nil, codedError{"BAD_USER_INPUT", err.Error()}
	}
	if _, isTaken := a.store.byEmail(email); isTaken {
		return nil, emailInUse
	}
	if a.store.stopped.Load() {
		return nil, notSaved
	}
	done, err := a.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), a.cost)
	done()
	if err != nil {
		a.log.Printf("hashing a password: %v", err)
		return nil, notSaved
	}
	u, err := a.store.add(username, email, string(hash))
	switch {
	case err == errEmailTaken: // by someone quicker
		return nil, emailInUse
	case err != nil:
		return nil, notSaved
	}
	return a.token(u, 365*24*time.Hour+6*time.Hour), nil // jsonwebtoken's "1y"
}

func (a *app) login(ctx context.Context, args map[string]any) (any, error) {
	u, found := a.store.byEmail(strings.TrimSpace(args["email"].(string)))
	if !found {
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

// checkPassword: bcrypt reads 72 bytes, and fills them by repeating the password with
// U+0000 between. So it can't tell some longer passwords from others.
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
	if ctx.Err() == nil { // Otherwise select could give a turn to a client that has left.
		select {
		case a.turns <- struct{}{}:
			return func() { <-a.turns }, nil
		case <-ctx.Done():
		}
	}
	return nil, codedError{"SERVICE_UNAVAILABLE", "Too busy, try again later"}
}

func (a *app) token(u user, lifetime time.Duration) string {
	now := time.Now()
	expiry := now.Add(cmp.Or(a.ttl, lifetime).Truncate(time.Second))
	return sign(a.key, claims{u.ID, u.Email, now.Unix(), expiry.Unix()})
}

var (
	emailInUse = codedError{"BAD_USER_INPUT", "Email already in use"}
	notSaved   = codedError{"INTERNAL_SERVER_ERROR", "Could not save the user"}
)

func unauthenticated(message string) error { return codedError{"UNAUTHENTICATED", message} }

// -----------------------------------------------------------------------------
// HTTP, from the outside in (GraphQL over HTTP, draft of 2025)
// -----------------------------------------------------------------------------

const (
	maxHeader = 64 << 10  // bytes
	maxBody   = 100 << 10 // bytes, also of the parameters in a URL

	plainJSON   = "application/json"
	graphQLJSON = "application/graphql-response+json"
)

// ServeHTTP answers a request, and logs it with -v. The log has three things from the
// client: the method, the escaped path and the operation's name, each cut short.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	mediaType := negotiate(strings.Join(r.Header["Accept"], ","))
	reply := a.route(r, mediaType)
	header := w.Header()
	// Pages of any origin may call: a token is the only credential, never a cookie.
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	if reply.body != nil {
		header.Set("Content-Type", cmp.Or(mediaType, plainJSON)+"; charset=utf-8")
	}
	maps.Copy(header, reply.header)
	w.WriteHeader(reply.status)
	w.Write(reply.body)
	if a.verbose {
		a.log.Printf("%.99s %.99s %.99s %d %v", r.Method, r.URL.EscapedPath(),
			cmp.Or(reply.operation, "-"), reply.status,
			time.Since(began).Round(10*time.Microsecond))
	}
}

type reply struct {
	status    int
	header    http.Header // besides those of every reply
	body      []byte
	operation string // its name, for the log
}

// refuse is the reply to a request that is not executed. A header is a name and a value.
func refuse(status int, message string, header ...string) *reply {
	refused := &reply{status: status, body: gqlError{Message: message}.refusal()}
	if header != nil {
		refused.header = http.Header{header[0]: header[1:]}
	}
	return refused
}

var (
	badAuthorization = refuse(400, "Format is Authorization: Bearer [token]")
	badURL           = refuse(400, "The query of the URL can't be read")
	badBody          = refuse(400, "The body must be a JSON object in UTF-8")
	badQuery         = refuse(400, "query must be a string")
	badMembers       = refuse(400, "operationName must be a string, "+
		"variables and extensions objects")
	notFound  = refuse(404, "Not found: GraphQL is at /api")
	badMethod = refuse(405, "Use POST, or GET for queries",
		"Allow", "GET, HEAD, POST, OPTIONS")
	onlyByPost    = refuse(405, "Use POST for mutations", "Allow", "POST")
	notAcceptable = refuse(406, "Accept "+graphQLJSON+" or "+plainJSON)
	tooLarge      = refuse(413, "A request may have 100 KiB at most")
	notJSON       = refuse(415, "Send application/json in UTF-8, not encoded further")
	tooMuchHeader = refuse(431, "The headers may have 64 KiB at most", "Connection", "close")

	// Clients add headers of their own. A browser asks again after two hours.
	preflight = &reply{status: 204, header: http.Header{
		"Access-Control-Allow-Methods": {"GET, POST"},
		"Access-Control-Allow-Headers": {"Authorization, *"},
		"Access-Control-Max-Age":       {"7200"},
	}}
)

// negotiate returns the media type that an Accept header prefers, of equals the one
// named first, and "" if it accepts neither of ours (RFC 9110 §12.5.1).
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

// weigh returns the weight of a media type, from the most precise range that has it, and
// the place of that range.
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

func (a *app) route(r *http.Request, mediaType string) *reply {
	isGet := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case headerSize(r.Header) > maxHeader:
		return tooMuchHeader
	case r.URL.Path == "/" && isGet:
		return &reply{status: 302, header: http.Header{"Location": {"/api"}}}
	case r.URL.Path != "/api":
		return notFound
	case r.Method == http.MethodOptions:
		return preflight
	case !isGet && r.Method != http.MethodPost:
		return badMethod
	case isGet && strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") &&
		!r.URL.Query().Has("query"):
		return &reply{status: 200, header: pageHeader, body: []byte(page)}
	case mediaType == "":
		return notAcceptable
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
func (a *app) graphQL(r *http.Request, mediaType string) *reply {
	ctx, refused := a.authenticate(r)
	if refused != nil {
		return refused
	}
	p, refused := readParameters(r)
	if refused != nil {
		return refused
	}
	result, hasData := &reply{status: 200}, false
	op, refusal := a.schema.prepare(p.query, p.operationName)
	switch {
	case refusal != nil:
		result.body = refusal
	case op.definition.kind == "mutation" && r.Method != http.MethodPost:
		return onlyByPost
	default:
		result.operation = op.definition.name
		result.body, hasData = op.execute(ctx, p.variables)
	}
	if mediaType == graphQLJSON && !hasData {
		result.status = 400 // With application/json it is 200 even then.
	}
	return result
}

// claimsKey is the key of the token's claims in the context of a resolver.
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
		return nil, refuseToken(err)
	}
	return context.WithValue(r.Context(), claimsKey{}, c), nil
}

// refuseToken is the reply to a bad token (RFC 6750 §3).
func refuseToken(err error) *reply {
	challenge := fmt.Sprintf(`Bearer error="invalid_token", error_description="%v"`, err)
	refused := refuse(401, err.Error(), "Www-Authenticate", challenge)
	var refusal tokenError
	errors.As(err, &refusal)
	refused.body = gqlError{Message: err.Error(), Extensions: map[string]string{
		"code": "UNAUTHENTICATED", "check": refusal.check}}.refusal()
	return refused
}

// bearerToken finds the token (RFC 6750 §2.1), "" if there is none. White space that
// HTTP does not know belongs to the token.
func bearerToken(authorization []string) (token string, refused *reply) {
	const space = " \t"
	if len(authorization) > 1 {
		return "", badAuthorization
	}
	value := strings.Trim(strings.Join(authorization, ""), space)
	scheme := len("Bearer")
	if len(value) < scheme || !strings.EqualFold(value[:scheme], "Bearer") {
		return "", nil
	}
	token = strings.TrimLeft(value[scheme:], space)
	switch isPadded := len(token) < len(value)-scheme; {
	case !isPadded && token != "":
		return "", nil // It is a longer word.
	case token == "" || strings.ContainsAny(token, space):
		return "", badAuthorization
	}
	return token, nil
}

// The parameters of a request (GraphQL over HTTP §5.1).
type parameters struct {
	query         string
	operationName *string // nil if it is not given; "" is a name, too
	variables     map[string]json.RawMessage
}

func readParameters(r *http.Request) (p parameters, refused *reply) {
	read := readURL
	if r.Method == http.MethodPost {
		read = readBody
	}
	members, refused := read(r)
	if refused != nil {
		return p, refused
	}
	var isString bool
	if p.query, isString = stringOf(string(members["query"])); !isString {
		return p, badQuery
	}
	var extensions map[string]json.RawMessage
	if !readOptional(members["operationName"], &p.operationName) ||
		!readOptional(members["variables"], &p.variables) ||
		!readOptional(members["extensions"], &extensions) {
		return p, badMembers
	}
	return p, nil
}

func readOptional(value json.RawMessage, target any) (ok bool) {
	return value == nil || json.Unmarshal(value, target) == nil
}

// readBody returns the members of the body's JSON object. (A map, because the fields
// of a struct would also take names in another case.)
func readBody(r *http.Request) (members map[string]json.RawMessage, refused *reply) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isUTF8 := strings.EqualFold(cmp.Or(params["charset"], "utf-8"), "utf-8")
	if err != nil || mediaType != plainJSON || !isUTF8 || r.Header["Content-Encoding"] != nil {
		return nil, notJSON
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return nil, tooLarge
	case err != nil || !utf8.Valid(body) || json.Unmarshal(body, &members) != nil || members == nil:
		return nil, badBody
	}
	return members, nil
}

// readURL returns the same members from the URL, where variables and extensions are
// JSON and the others are not.
func readURL(r *http.Request) (members map[string]json.RawMessage, refused *reply) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	members = map[string]json.RawMessage{}
	size, isReadable := 0, err == nil
	for name, texts := range values {
		size += len(strings.Join(texts, ""))
		text := []byte(texts[0])
		isReadable = isReadable && utf8.Valid(text)
		if name != "variables" && name != "extensions" {
			text, _ = json.Marshal(texts[0])
		}
		if len(text) > 0 {
			isReadable = isReadable && json.Valid(text)
			members[name] = text
		}
	}
	switch {
	case size > maxBody:
		return nil, tooLarge
	case !isReadable:
		return nil, badURL
	}
	return members, nil
}

// -----------------------------------------------------------------------------
// The token command
// -----------------------------------------------------------------------------

// tokenCommand takes a token apart. The server's own checks judge it. It returns the
// exit status.
func tokenCommand(args []string, secret []byte, stdin io.Reader, stdout, stderr io.Writer) int {
	text := readToken(args, stdin)
	if text == "" {
		fmt.Fprintln(stderr, "token: give it one token, as the argument or on standard input")
		return 2
	}
	var parts, rows bytes.Buffer
	write := func(state string, c check, found string) {
		fmt.Fprintf(&rows, "%s  %-10s  %-44s  %s\n", state, c.name, printable(found, 44), c.section)
	}
	reached := 0
	t := newJWT(secret, text, time.Now())
	err := t.judge(func(c check, found string, err error) {
		reached++
		switch err {
		case nil:
			write("pass", c, found)
		case errNotJudged:
			write("skip", c, found)
		default:
			write("FAIL", c, found)
		}
	})
	for _, c := range checks[reached:] {
		write("skip", c, "not reached")
	}
	if t.signingInput != "" {
		writeParts(&parts, t)
	}
	status, verdict := 0, "accepted"
	switch err {
	case nil:
	case errNotJudged:
		status, verdict = 3, "not judged: "+err.Error()
	default:
		status, verdict = 1, "refused: "+err.Error()
	}
	fmt.Fprint(stdout, paint(stdout, fmt.Sprintf("%s%s\n%s\n", &parts, &rows, verdict)))
	return status
}

// readToken returns the only token in the arguments or on standard input, or "". It does
// not wait for input from a terminal.
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
func writeParts(w io.Writer, t *jwt) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	writeMembers(table, "header", t.header, t.now)
	writeMembers(table, "claims", t.claims, t.now)
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
func writeMembers(w io.Writer, title string, members []member, now float64) {
	if members != nil && len(members) == 0 {
		fmt.Fprintf(w, "%s\t{}\n", title)
	}
	for i, m := range members {
		if i == 5 && len(members) > 6 {
			fmt.Fprintf(w, "\t… and %d more\n", len(members)-i)
			return
		}
		value := printable(m.value, 60)
		n, isNumber := numberOf(m.value)
		if isNumber && slices.Contains([]string{"iat", "nbf", "exp"}, m.name) &&
			math.Abs(n) < 253402300800 { // before the year 10000
			date := time.Unix(int64(n), 0).UTC().Format("  2006-01-02 15:04:05 UTC, ")
			value += date + relative(n-now)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", title, printable(m.name, 60), value)
		title = ""
	}
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

// colours are for the first words of lines, on a terminal (ECMA-48 §8.3.117).
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

// page is what a browser gets. Its list of checks is made from jwt.go, so that the two
// can't differ.
var page = strings.Replace(pageSource, "<!--checks-->", checkItems(), 1)

// checkItems has for each check its name, its state (empty until a token is
// tried), its meaning, where that is written, and what a refusal says.
func checkItems() string {
	const item = `<li>
        <b>%s</b>
        <span id="check-%d"></span>
        <span>%s</span>
        <span>%s</span>
        <small>else “%s”</small>
      </li>`
	items := ""
	for i, c := range checks {
		messages := c.refusals[0].Error()
		for _, err := range c.refusals[1:] {
			messages += "” or “" + err.Error()
		}
		items += fmt.Sprintf(item, html.EscapeString(c.name), i, html.EscapeString(c.meaning),
			html.EscapeString(c.section), html.EscapeString(messages))
	}
	return items
}

var pageHeader = http.Header{
	"Content-Security-Policy": {"default-src 'none'; script-src " + contentHash("script") +
		"; style-src " + contentHash("style") + "; connect-src 'self'; img-src data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'"},
	"Content-Type":    {"text/html; charset=utf-8"},
	"Referrer-Policy": {"no-referrer"},
}

// contentHash is the CSP hash of the page's script or style, so that no other can run.
func contentHash(element string) string {
	_, content, _ := strings.Cut(page, "<"+element+">")
	content, _, _ = strings.Cut(content, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageSource is the page without its checks: looks, content, and what it does.
// The cards are numbered 1 to 3 in all three, in the order of the story.
const pageSource = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>graphql-jwt-auth</title>
<link rel="icon" href="data:,">
<style>
/* Three colours are the theme: one for each part of a token. */
:root {
  color-scheme: light dark;
  --header: #b3123f; --claims: #6427cf; --signature: #00646f;
  --ink: #1b1d22; --muted: #5a5f69; --good: #0a6b33;
  --paper: #f4f4f1; --card: #fff; --field: #fafaf8; --line: #d8d9dd;
  --text: .875rem/1.5 system-ui, sans-serif; --code: .85rem/1.5 ui-monospace, monospace;
  --near: .3rem; --gap: .6rem; --far: 1rem; --round: 8px; --edge: 1px solid var(--line);
}
@media (prefers-color-scheme: dark) {
  :root {
    --header: #ff8aa6; --claims: #c4a5ff; --signature: #5fd3e0;
    --ink: #e9eaee; --muted: #a2a8b4; --good: #6fdc97;
    --paper: #101216; --card: #191c22; --field: #13151a; --line: #343944;
  }
}
.header { --part: var(--header); }
.claims { --part: var(--claims); }
.signature { --part: var(--signature); }
/* Everywhere. min-width lets a column be narrower than its longest word, which then breaks. */
* { box-sizing: border-box; min-width: 0; margin: 0; }
body { background: var(--paper); color: var(--ink); font: var(--text); overflow-wrap: break-word; }
main, section, form, .part, label, li { display: grid; gap: var(--gap); align-items: start; }
:focus-visible { outline: 3px solid var(--claims); outline-offset: 2px; }
[role=status], #token { min-height: 1.5em; }
.muted, #authorization { color: var(--muted); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--header); font-weight: 600; }
/* The top: a bar that is striped like a token, then the title. */
body {
  border-top: 5px solid; border-image: linear-gradient(90deg, var(--header) 19.6%,
    transparent 0 20%, var(--claims) 0 69.6%, transparent 0 70%, var(--signature) 0) 5;
}
header, main { max-width: 100rem; margin: auto; padding: var(--far); }
h1 { font-size: 1.5rem; }
/* The cards: in one column, in two with the third card under the second, or in three. */
main { grid: auto 1fr / repeat(auto-fit, minmax(min(23.5rem, 100%), 1fr)); gap: var(--far); }
#get { grid-row: span 2; }
section { padding: 1.1rem; border: var(--edge); border-radius: 12px; background: var(--card); }
h2 { font-size: 1.05rem; }
h2 span { display: inline-block; width: 1.6em; margin-right: .5em; border-radius: 1em; }
/* Fields and buttons. */
label { gap: var(--near); font-weight: 600; }
input, textarea, pre, #token { max-height: 17rem; color: inherit; font: var(--code); }
input, textarea, pre { border: var(--edge); border-radius: var(--round); background: var(--field); }
input:not([type=checkbox]), textarea, pre { width: 100%; padding: .5rem .6rem; resize: vertical; }
button { padding: .35rem .9rem; border: 1px solid var(--ink); border-radius: var(--round); }
button { justify-self: start; background: none; color: inherit; font: inherit; font-weight: 600; }
pre, #token { overflow: auto; white-space: pre-wrap; }
h2 span, .filled { background: var(--ink); color: var(--card); text-align: center; }
:disabled { opacity: .45; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
/* 1 Get a token: where there is room, the first two fields stand side by side. */
form { grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); }
form > :nth-child(n + 3) { grid-column: 1 / -1; }
pre { min-height: 5rem; }
/* 2 Take it apart: one click selects the whole token. */
#token { line-height: 1.65; word-break: break-all; -webkit-user-select: all; user-select: all; }
#token span, h3 { color: var(--part); font-size: 1em; }
.part { gap: var(--near); padding-left: .75rem; border-left: 4px solid var(--part); }
.part textarea { field-sizing: content; }
/* 3 Try to cheat: a check's name and state, its meaning and section, what it refuses with. */
ol { padding: 0; color: var(--muted); list-style: none; }
li { grid: auto / 1fr auto; gap: 0 .75rem; padding: var(--near) 0; border-top: var(--edge); }
li b { color: var(--ink); }
li b::first-letter { text-transform: uppercase; }
li :nth-child(even) { text-align: right; }
li small { grid-column: 1 / -1; }
</style>
<header>
  <h1>graphql-jwt-auth</h1>
  <p class="muted">Sign up, look inside the token you are given, then try to cheat with it.</p>
  <noscript>Without JavaScript: POST {"query": "{ me { id } }"} here as application/json.</noscript>
</header>
<main>
  <section id="get" aria-label="Get a token">
    <h2><span aria-hidden="true">1</span>Get a token</h2>
    <form>
      <label>Username <input id="username" value="johndoe"></label>
      <label>Email <input id="email" value="johndoe@example.com"></label>
      <label>Password <input id="password" type="password" value="password"></label>
      <div class="row">
        <button id="signup" class="filled">Sign up</button>
        <button id="login" type="button">Log in</button>
        <button id="me" type="button">Me</button>
      </div>
    </form>
    <label>GraphQL query <textarea id="query" rows="7"></textarea></label>
    <label>Variables (JSON) <textarea id="variables" rows="1"></textarea></label>
    <div class="row">
      <button id="send">Send</button>
      <label class="row"><input id="attach" type="checkbox" checked>Send the token</label>
    </div>
    <p id="authorization"></p>
    <p id="status" role="status" aria-label="Reply status"></p>
    <pre id="reply" role="region" aria-label="Reply" tabindex="0"></pre>
  </section>
  <section aria-label="Take it apart">
    <h2><span aria-hidden="true">2</span>Take it apart</h2>
    <p id="token" role="group" aria-label="Token" tabindex="0"></p>
    <div class="part header">
      <h3>Header<span id="header-changed"></span></h3>
      <textarea id="header" aria-label="Header (JSON)" rows="1"></textarea>
      <p class="muted">How it is signed. base64url hides nothing: anyone can read this.</p>
    </div>
    <div class="part claims">
      <h3>Claims<span id="claims-changed"></span></h3>
      <textarea id="claims" aria-label="Claims (JSON)" rows="2"></textarea>
      <p><b>iat</b> issued <span id="iat"></span></p>
      <p><b>nbf</b> starts <span id="nbf"></span></p>
      <p><b>exp</b> ends <span id="exp" role="timer" aria-label="Time left"></span></p>
      <p class="muted">Who it is for, and how long. Never put a secret here.</p>
    </div>
    <div class="part signature">
      <h3>Signature<span id="signature-changed"></span></h3>
      <input id="signature" aria-label="Signature">
      <label>Secret <input id="secret"></label>
      <p id="result" role="status" aria-label="Signature result"></p>
      <button id="sign">Sign with this secret</button>
    </div>
    <label>Paste a token <input id="paste" placeholder="eyJ…"></label>
  </section>
  <section aria-label="Try to cheat">
    <h2><span aria-hidden="true">3</span>Try to cheat</h2>
    <div class="row">
      <button id="other">Change the id</button>
      <button id="none">Set alg to none</button>
      <button id="drop">Drop the signature</button>
      <button id="expire">Expire it</button>
      <button id="restore">Restore</button>
    </div>
    <p id="hint" role="status" aria-label="Hint"></p>
    <button id="try" class="filled">Try this token</button>
    <p id="verdict" role="status" aria-label="Verdict"></p>
    <ol id="checks" role="list" aria-label="Checks">
      <!--checks-->
    </ol>
  </section>
</main>
<script>
const me = '{\n  me {\n    id\n    username\n    email\n  }\n}';
const names = ['header', 'claims', 'signature']; // of the parts and their boxes
let token = ''; // as the page shows it
let parts = []; // its header, claims and signature
let given = ''; // the last one that the server gave
let requests = 0; // sent so far
const the = (id) => document.getElementById(id);
const attached = () => the('attach').checked ? token : '';
const now = () => Math.floor(Date.now() / 1000);

// What buttons and boxes do. The second click of a double click must not sign up again.
the('signup').onclick = (click) =>
  click.detail < 2 && ask(mutation('signup', 'username', 'email', 'password'), '');
the('login').onclick = () => ask(mutation('login', 'email', 'password'), '');
the('me').onclick = () => ask(me, attached());
the('send').onclick = () => send(attached());
the('attach').onchange = () => showHeader();
names.forEach((name, i) => { the(name).oninput = () => setPart(i, partIn(name)); });
the('secret').oninput = () => checkSignature();
the('sign').onclick = () => sign();
the('paste').oninput = () => setToken(the('paste').value.trim().replace(/^Bearer\s+/i, ''));
the('other').onclick = () => change(1, 'id', (id) => Number(id) + 1 || 1,
  'The claims name another user; the signature is still yours.');
the('none').onclick = () => change(0, 'alg', () => 'none', 'The header asks for no check.');
the('drop').onclick = () => setPart(2, '', 'Nothing shows who wrote this token.');
the('expire').onclick = () => change(1, 'exp', () => now() - 60, 'The token ended a minute ago.');
the('restore').onclick = () => restore();
the('try').onclick = () => tryToken();

// 1 Get a token: mutation takes the arguments from the form. JSON has strings as GraphQL does.
function mutation(name, ...fields) {
  const values = fields.map((field) => field + ': ' + JSON.stringify(the(field).value));
  return 'mutation {\n  ' + name + '(' + values.join(', ') + ')\n}';
}

// ask lets the learner see what a button sends.
function ask(query, bearer) {
  the('query').value = query;
  the('variables').value = '';
  return send(bearer);
}

// send says "No reply" only if fetch fails: a reply that can't be shown is still a reply.
async function send(bearer) {
  const number = ++requests;
  show(number, '');
  const variables = parse(the('variables').value.trim() || 'null');
  if (variables === undefined) return show(number, 'The variables are not JSON.', 'bad');
  const headers = { 'Content-Type': 'application/json' };
  if (bearer) headers.Authorization = 'Bearer ' + bearer.replace(/[^!-~]/g, '%'); // ASCII alone
  const body = JSON.stringify({ query: the('query').value, variables });
  const began = performance.now();
  const sent = fetch(location.pathname, { method: 'POST', headers, body });
  const response = await sent.catch(() => undefined);
  if (!response) return show(number, 'No reply: is the server still running?', 'bad');
  return receive(response, number, began).catch((error) =>
    show(number, 'The reply can\'t be shown: ' + error.message, 'bad'));
}

// receive returns the JSON of a reply. A token in it becomes the one to look at.
async function receive(response, number, began) {
  const text = await response.text();
  const ms = Math.round(performance.now() - began);
  const reply = parse(text);
  const error = reply?.errors?.[0]?.message;
  const line = [response.status, response.statusText, 'in', ms, 'ms'].join(' ');
  const challenge = response.headers.get('WWW-Authenticate');
  const head = challenge ? 'WWW-Authenticate: ' + challenge + '\n\n' : '';
  const body = reply ? JSON.stringify(reply, null, 2) : text;
  if (error) show(number, line + ': ' + error, 'bad', head + body);
  else show(number, line, response.ok ? 'good' : 'bad', head + body);
  const fresh = reply?.data?.signup ?? reply?.data?.login;
  if (typeof fresh === 'string') restore(fresh);
  return reply;
}

// show leaves out what comes late: it must not stand under the next request.
function show(number, line, mood = '', text = '') {
  if (number !== requests) return;
  say('status', line, mood);
  say('reply', text);
}

// showHeader shows the beginning of what goes out.
const showHeader = () => say('authorization',
  attached() ? 'Authorization: Bearer ' + token.slice(0, 9) + '…' : 'No Authorization header');

// 2 Take it apart: setToken shows a token everywhere. What was said of the last one goes.
function setToken(next, hint = '') {
  token = next;
  parts = split(token).filter((piece, i) => i % 2 === 0);
  split(token).forEach((piece, i) => { the('token').children[i].textContent = piece; });
  names.forEach(showPart);
  showTimes();
  showHeader();
  checkSignature();
  showVerdict('');
  for (const id of ['other', 'none', 'drop', 'expire', 'try', 'sign']) the(id).disabled = !token;
  if (!crypto.subtle) the('sign').disabled = true;
  say('hint', token ? hint : 'First get a token: sign up, log in or paste one.');
}

// A token is three parts and the dots between them. A box holds a part as people read it.
const split = (text) => text.match(/^([^.]*)(\.?)([^.]*)(\.?)(.*)$/s).slice(1);
const partIn = (name) => name === 'signature' ? the(name).value : encode(the(name).value);
const setPart = (i, part, hint) =>
  setToken(parts.map((other, j) => i === j ? part : other).join('.'), hint);

// showPart leaves a box alone that is right already: someone may be typing there.
function showPart(name, i) {
  const text = name === 'signature' ? undefined : decode(parts[i]);
  if (parts[i] !== partIn(name)) the(name).value = parse(text) === undefined ? parts[i] : text;
  const changed = parts[i] !== split(given || token)[2 * i];
  say(name + '-changed', changed ? ' · changed' : '');
}

// showTimes tells people what the numbers mean. A time that is missing has no line.
function showTimes() {
  const { iat, nbf, exp } = Object(parse(decode(parts[1])));
  for (const [name, seconds] of Object.entries({ iat, nbf, exp })) {
    the(name).parentElement.hidden = typeof seconds !== 'number';
    say(name, typeof seconds === 'number' ? when(seconds) : '');
  }
}

// when reads seconds since 1970. Dates end with the year 275760; then the number must do.
function when(seconds) {
  const date = attempt(() => new Date(seconds * 1000).toISOString()) || String(seconds);
  const left = Math.floor(seconds) - now();
  const distance = left > 0 ? 'in ' + duration(left) : duration(-left) + ' ago';
  return date.replace('T', ' ').replace(/\..*/, ' UTC') + ', ' + distance;
}

// duration begins with the largest unit that is not 0. If all are, the last one stays.
function duration(s) {
  const counts = [s / 86400, s / 3600 % 24, s / 60 % 60, s % 60].map(Math.floor);
  const words = counts.map((count, i) => count + [' d', ' h', ' min', ' s'][i]);
  return words.slice(counts.findIndex(Boolean)).join(' ');
}

// checkSignature does what the server does. It takes the secret, and nothing else.
async function checkSignature() {
  const secret = the('secret').value;
  const checked = token;
  if (!crypto.subtle) return say('result', noCrypto);
  if (!secret || !token) return say('result', noSecret);
  const right = await mac(secret);
  if (token !== checked || the('secret').value !== secret) return; // the next check is under way
  if (right !== parts[2]) return say('result', 'Differs: with this secret it is ' + right, 'bad');
  say('result', 'Matches: this secret signed this header and these claims.', 'good');
}
const noCrypto = 'Only https and localhost have WebCrypto: graphql-jwt-auth token does it too.';
const noSecret = 'Type the JWT_SECRET the server was started with; it stays in this page.';

// mac is what the secret makes of header.claims: their HMAC-SHA-256.
async function mac(secret) {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', utf8(secret), algorithm, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, utf8(parts[0] + '.' + parts[1]));
  return base64urlOf(new Uint8Array(signature));
}

// sign makes a token that the server accepts: with its secret, anyone can be anyone.
async function sign() {
  const secret = the('secret').value;
  if (secret) setPart(2, await mac(secret), 'Signed with this secret.');
  else the('secret').focus();
}

// 3 Try to cheat: change writes other JSON, as anyone can. The signature stays.
function change(i, name, value, hint) {
  const old = parse(decode(parts[i]));
  const isObject = old instanceof Object && !Array.isArray(old);
  if (!isObject) return say('hint', 'That part is not a JSON object: nothing to change.');
  setPart(i, encode(JSON.stringify({ ...old, [name]: value(old[name]) })), hint);
}

// restore takes back all cheats, to the token that the server gave last.
function restore(fresh = given) {
  given = fresh;
  if (given) setToken(given, 'The token as the server gave it.');
  else say('hint', 'The server has given no token yet.');
}

// tryToken asks the server who the token says we are.
async function tryToken() {
  const tried = token;
  showVerdict('');
  const reply = await ask(me, token);
  if (token !== tried) return; // it was changed meanwhile
  const error = reply?.errors?.[0];
  const user = reply?.data?.me;
  if (error?.message) showVerdict('Refused: ' + error.message, 'bad', error.extensions?.check);
  else if (user) showVerdict('Accepted: you are ' + user.username + ', user ' + user.id, 'good');
  else if (user === null) showVerdict('Accepted, but there is no such user: me is null', 'good');
  else showVerdict('No verdict: the reply status says why.', 'bad');
}

// showVerdict marks the checks: passed before the one that refused, not reached after it.
function showVerdict(text, mood, refused) {
  say('verdict', text, mood);
  const checks = Array.from(the('checks').children, (item) => item.children[0].textContent);
  const end = mood === 'good' ? checks.length : checks.indexOf(refused);
  checks.forEach((check, i) => {
    if (end < 0) say('check-' + i, '');
    else if (i < end) say('check-' + i, '✓ passed', 'good');
    else if (i > end) say('check-' + i, 'not reached');
    else say('check-' + i, '✗ refused', 'bad');
  });
}

// Tools. say writes plain text: nothing in a token or a reply is ever taken for HTML.
function say(id, text, mood = '') {
  the(id).textContent = text;
  the(id).className = mood;
}

// attempt returns undefined for what can't be read: people may type anything.
function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}
const parse = (text) => attempt(() => JSON.parse(text));

// base64urlOf avoids what has a meaning in a URL: "+", "/", and "=" at the end.
function base64urlOf(bytes) {
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(characters).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}
const utf8 = (text) => new TextEncoder().encode(text);
const encode = (text) => base64urlOf(utf8(text));

// decode is as strict as the server, unlike atob: the text must lead back to the same part.
function decode(part) {
  const characters = attempt(() => atob(part.replace(/-/g, '+').replace(/_/g, '/'))) || '';
  const bytes = Uint8Array.from(characters, (character) => character.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  return encode(text) === part ? text : undefined;
}

// The start. The script sends the form, a reload forgets what was typed, and the times count.
document.forms[0].onsubmit = () => false;
for (const field of document.querySelectorAll('input, textarea')) field.autocomplete = 'off';
for (const name of ['header', '', 'claims', '', 'signature']) {
  the('token').appendChild(document.createElement('span')).className = name;
}
the('query').value = me;
setToken('');
setInterval(showTimes, 500);
</script>
`
