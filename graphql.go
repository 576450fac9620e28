// graphql.go is a GraphQL engine: a query's text goes in, a reply in JSON comes
// out. It knows nothing of users, tokens or HTTP.
//
//	{ me { id } }  →  tokens  →  Document  →  valid?  →  {"data":{"me":{"id":1}}}
//	                  lexer      parser       validator   execution
//
// It follows the GraphQL specification, September 2025, chapter by chapter, and
// agrees with graphql-js 16 on what is accepted, on data and on messages. It
// reads every executable document. A schema is written in the specification's
// own language and consists of objects, scalars and enums: interfaces, unions,
// input objects and subscriptions can't occur, so nothing here is about them.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What one request may cost. A document past a limit is refused whole.
const (
	maxDepth          = 200     // nesting of selection sets, of values, of types
	maxFields         = 10_000  // fields of an operation, fragments spread out
	maxReplyFields    = 50_000  // fields of a reply, in every item of every list
	maxMutationFields = 10      // fields run by one mutation
	maxErrors         = 100     // errors listed in a reply
	maxWork           = 500_000 // steps of a rule that may go over fragments again and again
	maxSearch         = 500_000 // steps of the search for conflicts of fields
)

// A resolver gives the value of a field of Query or Mutation, with the arguments
// that the request supplies or the schema defaults. The value of an object type
// is an object, of a list an []any, of a leaf a string, a bool or an int64, and
// null is nil.
type resolver func(ctx context.Context, args map[string]any) (any, error)

// prepare reads a document, validates it and selects its operation of that name
// (§6.1). A nil name stands for the only operation.
func (s *schema) prepare(query string, operationName *string) (operation, []gqlError) {
	doc, err := parse(query)
	if err != nil {
		return operation{}, []gqlError{*err}
	}
	if errs := s.validate(doc); errs != nil {
		return operation{}, errs
	}
	def, err := doc.operation(operationName)
	if err != nil {
		return operation{}, []gqlError{*err}
	}
	return operation{schema: s, definition: def}, nil
}

// operation is GetOperation (§6.1).
func (doc *document) operation(name *string) (*definition, *gqlError) {
	var found *definition
	for _, def := range doc.definitions {
		switch {
		case isFragment(def) || name != nil && (def.name == "" || def.name != *name):
		case found != nil:
			return nil,
				newError("Must provide operation name if query contains multiple operations.")
		default:
			found = def
		}
	}
	switch {
	case found == nil && name != nil:
		return nil, newError(fmt.Sprintf(`Unknown operation named "%s".`, *name))
	case found == nil:
		return nil, newError("Must provide an operation.")
	case found.kind == "subscription":
		return nil, newError("Schema is not configured to execute subscription operation.",
			found.location)
	}
	return found, nil
}

// -----------------------------------------------------------------------------
// 2 Language: the lexer
// -----------------------------------------------------------------------------

// A location is where a token begins: both numbers count from 1, columns in
// UTF-16 code units, as graphql-js has them.
type location struct {
	Line   int32 `json:"line"`
	Column int32 `json:"column"`
}

// A tokenKind prints itself in error messages. A punctuator (§2.1.7) is its own
// kind, of "..." the first dot.
type tokenKind byte

const (
	tokenEOF tokenKind = iota
	tokenName
	tokenInt
	tokenFloat
	tokenString
	tokenBlockString
	tokenSpread tokenKind = '.'
)

func (k tokenKind) String() string {
	names := []string{"<EOF>", "Name", "Int", "Float", "String", "BlockString"}
	switch {
	case int(k) < len(names):
		return names[k]
	case k == tokenSpread:
		return `"..."`
	}
	return `"` + string(rune(k)) + `"`
}

// A token is a lexical token (§2.1.5). The value is a name, a number's text or
// what a string stands for.
type token struct {
	location
	kind  tokenKind
	value string
}

func (t token) String() string {
	if t.kind == tokenEOF || t.kind > tokenBlockString {
		return t.kind.String()
	}
	return fmt.Sprintf(`%s "%s"`, t.kind, t.value)
}

// A lexer splits source text (§2.1) into tokens.
type lexer struct {
	source string
	pos    int // in bytes, like lineStart
	line   int
	// Where the line begins, moved on by one for each byte of it so far that is
	// not a UTF-16 code unit of its own: the column is the distance from here.
	lineStart int
}

func (l *lexer) here() location {
	return location{int32(l.line), int32(l.pos - l.lineStart + 1)}
}

// at returns the byte that is n bytes ahead, and 0 past the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.source) {
		return l.source[l.pos+n]
	}
	return 0
}

// next reads one token; after the last come <EOF>s.
func (l *lexer) next() token {
	l.skipIgnored()
	t := token{location: l.here()}
	start := l.pos
	switch c := l.at(0); {
	case l.pos == len(l.source):
		t.kind = tokenEOF
	case isNameStart(c):
		for isNameStart(l.at(0)) || isDigit(l.at(0)) {
			l.pos++
		}
		t.kind, t.value = tokenName, l.source[start:l.pos]
	case strings.HasPrefix(l.source[l.pos:], "..."):
		l.pos += 3
		t.kind = tokenSpread
	case strings.IndexByte("!$&():=@[]{|}", c) >= 0:
		l.pos++
		t.kind = tokenKind(c)
	case isDigit(c) || c == '-':
		t.kind = l.number()
		t.value = l.source[start:l.pos]
	case strings.HasPrefix(l.source[l.pos:], `"""`):
		t.kind, t.value = tokenBlockString, l.blockString()
	case c == '"':
		t.kind, t.value = tokenString, l.string()
	case c == '\'':
		l.fail(`Unexpected single quote character ('), did you mean to use a double quote (")?`)
	default:
		l.fail("Unexpected character: %s.", l.character())
	}
	return t
}

// skipIgnored moves past what is between tokens (§2.1.6).
func (l *lexer) skipIgnored() {
	for {
		switch c := l.at(0); {
		case c == ' ' || c == '\t' || c == ',':
			l.pos++
		case c == '\n' || c == '\r':
			l.skipLineTerminator()
		case c == '#':
			for l.pos < len(l.source) && l.at(0) != '\n' && l.at(0) != '\r' {
				l.skipCharacter()
			}
		case strings.HasPrefix(l.source[l.pos:], "\uFEFF"):
			l.skipCharacter()
		default:
			return
		}
	}
}

// skipLineTerminator moves past CR, LF or both (§2.1.2).
func (l *lexer) skipLineTerminator() {
	if strings.HasPrefix(l.source[l.pos:], "\r\n") {
		l.pos++
	}
	l.pos++
	l.line++
	l.lineStart = l.pos
}

func (l *lexer) skipCharacter() {
	r, size := utf8.DecodeRuneInString(l.source[l.pos:])
	l.pos += size
	l.lineStart += size - utf16.RuneLen(r)
}

// number reads an IntValue or a FloatValue (§2.10.1, §2.10.2).
func (l *lexer) number() tokenKind {
	kind := tokenInt
	if l.at(0) == '-' {
		l.pos++
	}
	if l.at(0) == '0' {
		l.pos++
		if isDigit(l.at(0)) {
			l.fail("Invalid number, unexpected digit after 0: %s.", l.character())
		}
	} else {
		l.digits()
	}
	if l.at(0) == '.' {
		kind = tokenFloat
		l.pos++
		l.digits()
	}
	if l.at(0) == 'e' || l.at(0) == 'E' {
		kind = tokenFloat
		l.pos++
		if l.at(0) == '+' || l.at(0) == '-' {
			l.pos++
		}
		l.digits()
	}
	if l.at(0) == '.' || isNameStart(l.at(0)) {
		l.fail("Invalid number, expected digit but got: %s.", l.character())
	}
	return kind
}

// digits reads one digit or more.
func (l *lexer) digits() {
	if !isDigit(l.at(0)) {
		l.fail("Invalid number, expected digit but got: %s.", l.character())
	}
	for isDigit(l.at(0)) {
		l.pos++
	}
}

// string reads a StringValue between quotation marks (§2.10.4).
func (l *lexer) string() string {
	l.pos++
	var value strings.Builder
	for {
		start := l.pos
		for l.pos < len(l.source) && strings.IndexByte("\"\\\n\r", l.at(0)) < 0 {
			l.skipCharacter()
		}
		value.WriteString(l.source[start:l.pos])
		switch l.at(0) {
		case '"':
			l.pos++
			return value.String()
		case '\\':
			value.WriteString(l.escape())
		default:
			l.fail("Unterminated string.")
		}
	}
}

// escape reads an escape sequence: \n and its like, or \u.
func (l *lexer) escape() string {
	if l.at(1) == 'u' {
		return l.unicodeEscape()
	}
	i := strings.IndexByte(`"\/bfnrt`, l.at(1))
	if i < 0 {
		l.fail(`Invalid character escape sequence: "%s".`, l.ahead(2))
	}
	l.pos += 2
	return "\"\\/\b\f\n\r\t"[i : i+1]
}

// A Unicode escape is \u{1F600}, \u00e9, or the surrogate pair \ud83d\ude00.
var (
	unicodeEscape = regexp.MustCompile(`^\\u(?:\{([0-9A-Fa-f]{1,8})}` +
		`|([0-9A-Fa-f]{4})(?:\\u([0-9A-Fa-f]{4}))?)`)
	badUnicodeEscape = regexp.MustCompile(`(?s)^\\u(?:\{[0-9A-Fa-f]{0,8}.?|.{0,4})`)
)

func (l *lexer) unicodeEscape() string {
	rest := l.source[l.pos:min(l.pos+len(`\u`)+4*utf8.UTFMax, len(l.source))]
	if m := unicodeEscape.FindStringSubmatch(rest); m != nil {
		code, _ := strconv.ParseUint(m[1]+m[2], 16, 32) // one of them is empty
		low, _ := strconv.ParseUint(m[3], 16, 32)
		size := len(m[0])
		if pair := utf16.DecodeRune(rune(code), rune(low)); pair != utf8.RuneError {
			code = uint64(pair)
		} else if m[3] != "" {
			size = 6 // the second escape is one of its own
		}
		if code <= utf8.MaxRune && utf8.ValidRune(rune(code)) {
			l.pos += size
			return string(rune(code))
		}
	}
	l.fail(`Invalid Unicode escape sequence: "%s".`, badUnicodeEscape.FindString(rest))
	panic("unreachable")
}

// blockString reads a StringValue in triple quotes (§2.10.4).
func (l *lexer) blockString() string {
	l.pos += 3
	var lines []string
	var line []byte
	for {
		start := l.pos
		switch rest := l.source[l.pos:]; {
		case rest == "":
			l.fail("Unterminated string.")
		case strings.HasPrefix(rest, `"""`):
			l.pos += 3
			return blockStringValue(append(lines, string(line)))
		case strings.HasPrefix(rest, `\"""`):
			l.pos += 4
			line = append(line, `"""`...)
		case rest[0] == '\n' || rest[0] == '\r':
			l.skipLineTerminator()
			lines = append(lines, string(line))
			line = line[:0]
		default:
			l.skipCharacter()
			line = append(line, l.source[start:l.pos]...)
		}
	}
}

// blockStringValue is BlockStringValue (§2.10.4): without the indentation that
// all lines but the first have in common, and without blank lines around.
func blockStringValue(lines []string) string {
	isBlank := func(line string) bool { return strings.Trim(line, " \t") == "" }
	indent := math.MaxInt
	for _, line := range lines[1:] {
		if !isBlank(line) {
			indent = min(indent, len(line)-len(strings.TrimLeft(line, " \t")))
		}
	}
	for i, line := range lines[1:] {
		lines[i+1] = line[min(indent, len(line)):]
	}
	for len(lines) > 0 && isBlank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && isBlank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// character names the character at hand for an error message.
func (l *lexer) character() string {
	r, size := utf8.DecodeRuneInString(l.source[l.pos:])
	switch {
	case size == 0:
		return tokenEOF.String()
	case r == '"':
		return `'"'`
	case r >= ' ' && r <= '~':
		return `"` + string(r) + `"`
	}
	return fmt.Sprintf("U+%04X", r)
}

// ahead returns up to n of the characters that follow, for an error message.
func (l *lexer) ahead(n int) string {
	runes := []rune(l.source[l.pos:min(l.pos+4*n, len(l.source))])
	return string(runes[:min(n, len(runes))])
}

// fail refuses the document at the character at hand.
func (l *lexer) fail(format string, args ...any) {
	panic(syntaxError(l.here(), format, args...))
}

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isNameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// -----------------------------------------------------------------------------
// 2 Language: the syntax tree
// -----------------------------------------------------------------------------

// A document (§2.3) holds operations and fragments. In a schema it holds the
// definitions of types and directives.
type document struct {
	definitions []*definition
	types       []*typeDefinition
	directives  []*directiveDefinition
}

// A definition is an operation (§2.4) or a fragment (§2.9).
type definition struct {
	location     // of its description, if it has one
	nameLocation location
	kind         string // "query", "mutation", "subscription" or "fragment"
	name         string // or ""
	variables    []*variableDefinition
	condition    *typeRef // of a fragment
	directives   []*directive
	selectionSet []*selection

	// Found by validation.
	spreads []*selection
	usages  []variableUsage
}

type variableDefinition struct {
	location
	variable     token // its name
	typ          *typeRef
	defaultValue *value
	directives   []*directive
}

type selectionKind int

const (
	fieldSelection selectionKind = iota
	fragmentSpread
	inlineFragment
)

// A selection (§2.5) is a field, a fragment spread or an inline fragment.
type selection struct {
	location
	nameLocation location // of a fragment spread
	setLocation  location
	kind         selectionKind
	key          string // the response key: a field's alias, or else its name
	name         string
	arguments    []*argument
	condition    *typeRef // of an inline fragment, or nil
	directives   []*directive
	selectionSet []*selection

	// Found by validation.
	parent   *typeDefinition // what it selects from; nil where that is unknown
	def      *element        // of a field
	fragment *definition     // of a fragment spread
}

// An argument (§2.7), or a field of an input object.
type argument struct {
	location
	name      string
	value     *value
	canonical string // found by validation, if needed
}

type directive struct {
	location
	name      string
	arguments []*argument
}

type valueKind int

const (
	kindVariable valueKind = iota
	kindInt
	kindFloat
	kindString
	kindBoolean
	kindNull
	kindEnum
	kindList
	kindObject
)

// A value (§2.10) of any form.
type value struct {
	location
	kind   valueKind
	text   string // of anything but lists and objects
	block  bool   // a string in triple quotes
	items  []*value
	fields []*argument
}

// A typeRef is a reference to a type (§2.12), such as [Int!]!.
type typeRef struct {
	location
	name    string   // of a named type
	ofType  *typeRef // of a list
	nonNull bool
	def     *typeDefinition // of a named type; nil where it is unknown
}

func (t *typeRef) String() string {
	text := t.name
	if t.ofType != nil {
		text = "[" + t.ofType.String() + "]"
	}
	if t.nonNull {
		text += "!"
	}
	return text
}

// innermost returns the named type inside all lists.
func (t *typeRef) innermost() *typeRef {
	for t != nil && t.ofType != nil {
		t = t.ofType
	}
	return t
}

// object returns the definition of an object type, nil of any other.
func (t *typeRef) object() *typeDefinition {
	if t = t.innermost(); t == nil || t.def == nil || t.def.kind != "OBJECT" {
		return nil
	}
	return t.def
}

// -----------------------------------------------------------------------------
// 2 Language: the parser
// -----------------------------------------------------------------------------

// A parser has one method for each production of the grammar, which stands
// above it. It leaves by panic where the text does not fit.
type parser struct {
	lexer
	token
	constant  bool // no variables here: Value[Const]
	inSchema  bool // the text is a schema, not a request
	setDepth  int
	typeDepth int
	valDepth  int
	document
}

// parse reads the text of a request.
func parse(source string) (doc *document, err *gqlError) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *gqlError:
			doc, err = nil, e
		default:
			panic(e)
		}
	}()
	return parseDocument(source, false), nil
}

// Document: Definition+
func parseDocument(source string, isSchema bool) *document {
	p := &parser{lexer: lexer{source: source, line: 1}, inSchema: isSchema}
	p.advance()
	for {
		p.parseDefinition()
		if p.peek(tokenEOF) {
			return &p.document
		}
	}
}

// Definition: Description? ( OperationDefinition | FragmentDefinition )
func (p *parser) parseDefinition() {
	start := p.token
	description := p.parseDescription()
	described := description != nil
	switch keyword := p.token; {
	case described && p.peek('{'):
		panic(syntaxError(start.location,
			"Unexpected description, descriptions are not supported on shorthand queries."))
	case p.peek('{'):
		p.definitions = append(p.definitions, &definition{
			location: start.location, kind: "query", selectionSet: p.parseSelectionSet()})
	case !p.peek(tokenName):
		p.unexpected(keyword)
	case slices.Contains([]string{"query", "mutation", "subscription"}, keyword.value):
		p.parseOperation(start.location)
	case keyword.value == "fragment":
		p.parseFragmentDefinition(start.location)
	case p.inSchema:
		p.parseTypeSystemDefinition(description)
	case slices.Contains(typeSystemKeywords, keyword.value):
		p.refuseTypeSystemDefinition(start.location)
	case described:
		panic(syntaxError(start.location,
			"Unexpected description, only GraphQL definitions support descriptions."))
	case keyword.value == "extend":
		p.advance()
		if !p.peek(tokenName) || !slices.Contains(typeSystemKeywords, p.token.value) {
			p.unexpected(p.token)
		}
		p.refuseTypeSystemDefinition(start.location)
	default:
		p.unexpected(keyword)
	}
}

// OperationDefinition: OperationType Name? VariableDefinitions? Directives? SelectionSet
func (p *parser) parseOperation(start location) {
	def := &definition{location: start, kind: p.advance().value}
	if p.peek(tokenName) {
		def.nameLocation = p.token.location
		def.name = p.advance().value
	}
	if p.peek('(') {
		def.variables = many(p, '(', p.parseVariableDefinition, ')')
	}
	def.directives = p.parseDirectives()
	def.selectionSet = p.parseSelectionSet()
	p.definitions = append(p.definitions, def)
}

// FragmentDefinition: fragment FragmentName on NamedType Directives? SelectionSet
func (p *parser) parseFragmentDefinition(start location) {
	p.advance()
	def := &definition{location: start, kind: "fragment", nameLocation: p.token.location}
	def.name = p.parseFragmentName()
	p.expectKeyword("on")
	def.condition = p.parseNamedType()
	def.directives = p.parseDirectives()
	def.selectionSet = p.parseSelectionSet()
	p.definitions = append(p.definitions, def)
}

// FragmentName: Name but not `on`
func (p *parser) parseFragmentName() string {
	if p.token.value == "on" {
		p.unexpected(p.token)
	}
	return p.expect(tokenName).value
}

// VariableDefinition: Description? Variable : Type DefaultValue? Directives[Const]?
func (p *parser) parseVariableDefinition() *variableDefinition {
	def := &variableDefinition{location: p.token.location}
	p.parseDescription()
	p.expect('$')
	def.variable = p.expect(tokenName)
	p.expect(':')
	def.typ = p.parseType()
	p.constant = true
	if p.skip('=') {
		def.defaultValue = p.parseValue()
	}
	def.directives = p.parseDirectives()
	p.constant = false
	return def
}

// SelectionSet: { Selection+ }
func (p *parser) parseSelectionSet() []*selection {
	p.descend(&p.setDepth)
	set := many(p, '{', p.parseSelection, '}')
	p.setDepth--
	return set
}

// Selection: Field | FragmentSpread | InlineFragment
func (p *parser) parseSelection() *selection {
	s := &selection{location: p.token.location}
	if !p.skip(tokenSpread) {
		return p.parseField(s)
	}
	isOn := p.token.value == "on" && p.peek(tokenName)
	if p.peek(tokenName) && !isOn {
		return p.parseFragmentSpread(s)
	}
	return p.parseInlineFragment(s)
}

// Field: Alias? Name Arguments? Directives? SelectionSet?
func (p *parser) parseField(s *selection) *selection {
	s.name = p.expect(tokenName).value
	s.key = s.name
	if p.skip(':') {
		s.name = p.expect(tokenName).value
	}
	s.arguments = p.parseArguments()
	s.directives = p.parseDirectives()
	if p.peek('{') {
		s.setLocation = p.token.location
		s.selectionSet = p.parseSelectionSet()
	}
	return s
}

// FragmentSpread: ... FragmentName Directives?
func (p *parser) parseFragmentSpread(s *selection) *selection {
	s.kind = fragmentSpread
	s.nameLocation = p.token.location
	s.name = p.parseFragmentName()
	s.directives = p.parseDirectives()
	return s
}

// InlineFragment: ... TypeCondition? Directives? SelectionSet
func (p *parser) parseInlineFragment(s *selection) *selection {
	s.kind = inlineFragment
	if p.peek(tokenName) {
		p.expectKeyword("on")
		s.condition = p.parseNamedType()
	}
	s.directives = p.parseDirectives()
	s.selectionSet = p.parseSelectionSet()
	return s
}

// Arguments: ( Argument+ )
func (p *parser) parseArguments() []*argument {
	if !p.peek('(') {
		return nil
	}
	return many(p, '(', p.parseArgument, ')')
}

// Argument: Name : Value
func (p *parser) parseArgument() *argument {
	name := p.expect(tokenName)
	p.expect(':')
	return &argument{location: name.location, name: name.value, value: p.parseValue()}
}

// Directives: ( @ Name Arguments? )+
func (p *parser) parseDirectives() []*directive {
	var list []*directive
	for p.peek('@') {
		d := &directive{location: p.advance().location}
		d.name = p.expect(tokenName).value
		d.arguments = p.parseArguments()
		list = append(list, d)
	}
	return list
}

// Value: Variable | IntValue | FloatValue | StringValue | BooleanValue |
// NullValue | EnumValue | ListValue | ObjectValue
func (p *parser) parseValue() *value {
	v := &value{location: p.token.location, text: p.token.value}
	switch p.token.kind {
	case '[':
		v.kind = kindList
		p.descend(&p.valDepth)
		for p.advance(); !p.peek(']'); {
			v.items = append(v.items, p.parseValue())
		}
		p.valDepth--
	case '{':
		v.kind = kindObject
		p.descend(&p.valDepth)
		for p.advance(); !p.peek('}'); {
			v.fields = append(v.fields, p.parseArgument())
		}
		p.valDepth--
	case '$':
		p.parseVariable(v)
	case tokenInt:
		v.kind = kindInt
	case tokenFloat:
		v.kind = kindFloat
	case tokenString, tokenBlockString:
		v.kind = kindString
		v.block = p.peek(tokenBlockString)
	case tokenName:
		v.kind = nameKind(p.token.value)
	default:
		p.unexpected(p.token)
	}
	p.advance()
	return v
}

// Variable: $ Name; its name is left to be read.
func (p *parser) parseVariable(v *value) {
	dollar := p.advance()
	v.text = p.token.value
	switch {
	case p.constant && p.peek(tokenName):
		panic(syntaxError(dollar.location, `Unexpected variable "$%s" in constant value.`, v.text))
	case p.constant:
		p.unexpected(dollar)
	case !p.peek(tokenName):
		p.expect(tokenName)
	}
}

// BooleanValue: true | false; NullValue: null; EnumValue: any other Name
func nameKind(name string) valueKind {
	switch name {
	case "true", "false":
		return kindBoolean
	case "null":
		return kindNull
	}
	return kindEnum
}

// Type: NamedType | [ Type ] | Type !
func (p *parser) parseType() *typeRef {
	if !p.peek('[') {
		t := p.parseNamedType()
		t.nonNull = p.skip('!')
		return t
	}
	t := &typeRef{location: p.advance().location}
	p.descend(&p.typeDepth)
	t.ofType = p.parseType()
	p.typeDepth--
	p.expect(']')
	t.nonNull = p.skip('!')
	return t
}

// NamedType: Name
func (p *parser) parseNamedType() *typeRef {
	name := p.expect(tokenName)
	return &typeRef{location: name.location, name: name.value}
}

// Description: StringValue; nil where there is none. In the text of a schema, ~
// stands for a backquote and a line break for a space.
func (p *parser) parseDescription() any {
	switch {
	case !p.peek(tokenString) && !p.peek(tokenBlockString):
		return nil
	case p.inSchema:
		return unwrapText.Replace(p.advance().value)
	}
	return p.advance().value
}

var unwrapText = strings.NewReplacer("~", "`", "\n\n", "\n\n", "\n", " ")

// many reads open, one item or more, close.
func many[T any](p *parser, open tokenKind, item func() T, close tokenKind) []T {
	p.expect(open)
	list := append(make([]T, 0, 4), item())
	for !p.skip(close) {
		list = append(list, item())
	}
	return list
}

// advance moves to the next token and returns the one it leaves.
func (p *parser) advance() token {
	t := p.token
	p.token = p.next()
	return t
}

func (p *parser) peek(kind tokenKind) bool { return p.token.kind == kind }

// skip moves past a token of this kind, if there is one.
func (p *parser) skip(kind tokenKind) bool {
	if !p.peek(kind) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(kind tokenKind) token {
	if !p.peek(kind) {
		panic(syntaxError(p.token.location, "Expected %s, found %s.", kind, p.token))
	}
	return p.advance()
}

func (p *parser) expectKeyword(word string) {
	if !p.peek(tokenName) || p.token.value != word {
		panic(syntaxError(p.token.location, "Expected %q, found %s.", word, p.token))
	}
	p.advance()
}

func (p *parser) unexpected(t token) {
	panic(syntaxError(t.location, "Unexpected %s.", t))
}

// descend counts one level of nesting, which keeps every recursion bounded.
func (p *parser) descend(depth *int) {
	if *depth++; *depth > maxDepth {
		panic(syntaxError(p.token.location, "Nested more than %d levels deep.", maxDepth))
	}
}

func syntaxError(at location, format string, args ...any) *gqlError {
	return newError("Syntax Error: "+fmt.Sprintf(format, args...), at)
}

// -----------------------------------------------------------------------------
// 3 Type System
// -----------------------------------------------------------------------------

// A schema is what typeDefs and the specification's own definitions say.
type schema struct {
	types      []*typeDefinition // in the order in which introspection lists them
	typeNamed  map[string]*typeDefinition
	directives []*directiveDefinition
	metaFields *typeDefinition // __schema, __type and __typename
}

// A typeDefinition is an object, a scalar or an enum (§3.6, §3.5, §3.9).
type typeDefinition struct {
	kind        string // of __TypeKind
	name        string
	description any // a string, or nil
	elements    []*element
	named       map[string]*element
}

// An element is a field of an object, a value of an enum, or an argument.
type element struct {
	name         string
	description  any
	args         []*element
	typ          *typeRef
	defaultValue *value
	resolve      resolver // of a field of Query or Mutation
}

// A directiveDefinition has the locations in which a directive may stand.
type directiveDefinition struct {
	element
	locations []string
}

// newSchema makes a schema of its text and of the resolvers of its root fields,
// named "Type.field". The text is ours: where it is wrong, newSchema panics.
func newSchema(typeDefs string, resolvers map[string]resolver) *schema {
	s := &schema{typeNamed: map[string]*typeDefinition{}}
	ours, builtin := parseDocument(typeDefs, true), parseDocument(builtinDefs, true)
	for _, t := range slices.Concat(ours.types, builtin.types) {
		s.typeNamed[t.name] = t
	}
	s.directives = builtin.directives
	s.metaFields = s.typeNamed["__Meta"]
	delete(s.typeNamed, "__Meta")
	for _, t := range ours.types {
		s.link(t)
	}
	for _, d := range s.directives {
		s.linkElements(d.args)
	}
	s.linkElements(s.metaFields.elements)
	for name, resolve := range resolvers {
		typeName, field, _ := strings.Cut(name, ".")
		s.typeNamed[typeName].named[field].resolve = resolve
	}
	s.metaFields.named["__schema"].resolve = s.resolveSchema
	s.metaFields.named["__type"].resolve = s.resolveType
	return s
}

// link lists a type and, after it, the types that it leads to, in the order of
// graphql-js.
func (s *schema) link(t *typeDefinition) {
	if !slices.Contains(s.types, t) {
		s.types = append(s.types, t)
		s.linkElements(t.elements)
	}
}

func (s *schema) linkElements(elements []*element) {
	for _, e := range elements {
		if t := e.typ.innermost(); t != nil {
			t.def = s.typeNamed[t.name]
			s.link(t.def)
		}
		s.linkElements(e.args)
	}
}

// rootType returns the type of the root of an operation, or nil (§3.3.1).
func (s *schema) rootType(kind string) *typeDefinition {
	switch kind {
	case "query":
		return s.typeNamed["Query"]
	case "mutation":
		return s.typeNamed["Mutation"]
	}
	return nil
}

// field returns a field of an object type, or nil. All have __typename (§4.1);
// the root of queries has __schema and __type (§4.2).
func (s *schema) field(t *typeDefinition, name string) *element {
	if name == "__typename" || t.name == "Query" && strings.HasPrefix(name, "__") {
		return s.metaFields.named[name]
	}
	return t.named[name]
}

func (s *schema) directive(name string) *directiveDefinition {
	for _, d := range s.directives {
		if d.name == name {
			return d
		}
	}
	return nil
}

func elementNamed(elements []*element, name string) *element {
	for _, e := range elements {
		if e.name == name {
			return e
		}
	}
	return nil
}

var typeSystemKeywords = []string{
	"schema", "scalar", "type", "interface", "union", "enum", "input", "directive"}

// refuseTypeSystemDefinition refuses a request that defines a type. Unlike
// graphql-js it reads no further, so what is wrong after the name is not named.
func (p *parser) refuseTypeSystemDefinition(start location) {
	name := p.advance().value
	if name != "schema" {
		p.skip('@')
		name = `"` + p.expect(tokenName).value + `"`
	}
	panic(newError(fmt.Sprintf("The %s definition is not executable.", name), start))
}

// TypeSystemDefinition: Description? (
// scalar Name | type Name { Element+ } | enum Name { Element+ } |
// directive @ Name ArgumentsDefinition? on DirectiveLocations )
func (p *parser) parseTypeSystemDefinition(description any) {
	keyword := p.advance().value
	if keyword == "directive" {
		p.parseDirectiveDefinition(description)
		return
	}
	t := &typeDefinition{name: p.expect(tokenName).value, description: description}
	t.kind = map[string]string{"scalar": "SCALAR", "type": "OBJECT", "enum": "ENUM"}[keyword]
	if t.kind != "SCALAR" {
		t.elements = many(p, '{', p.parseElement, '}')
	}
	t.named = map[string]*element{}
	for _, e := range t.elements {
		t.named[e.name] = e
	}
	p.types = append(p.types, t)
}

func (p *parser) parseDirectiveDefinition(description any) {
	p.expect('@')
	d := &directiveDefinition{element: *p.parseElement()}
	d.description = description
	p.expectKeyword("on")
	for more := true; more; more = p.skip('|') {
		d.locations = append(d.locations, p.expect(tokenName).value)
	}
	p.directives = append(p.directives, d)
}

// Element: Description? Name ArgumentsDefinition? ( : Type DefaultValue? )?
func (p *parser) parseElement() *element {
	e := &element{description: p.parseDescription(), name: p.expect(tokenName).value}
	if p.peek('(') {
		e.args = many(p, '(', p.parseElement, ')')
	}
	if p.skip(':') {
		e.typ = p.parseType()
	}
	if p.skip('=') {
		e.defaultValue = p.parseValue()
	}
	return e
}

// -----------------------------------------------------------------------------
// 4 Introspection
// -----------------------------------------------------------------------------

// An object is what a resolver returns for an object type. It resolves its own
// fields: those that it does not know are null.
type object interface{ get(field string) any }

func (s *schema) resolveSchema(context.Context, map[string]any) (any, error) {
	return s, nil
}

func (s *schema) resolveType(_ context.Context, args map[string]any) (any, error) {
	if t := s.typeNamed[args["name"].(string)]; t != nil {
		return t.reference(), nil
	}
	return nil, nil
}

// get resolves the fields of __Schema (§4.2.1).
func (s *schema) get(field string) any {
	switch field {
	case "types":
		return list(s.types, (*typeDefinition).reference)
	case "queryType":
		return s.rootType("query").reference()
	case "mutationType":
		return s.rootType("mutation").reference()
	case "directives":
		return list(s.directives, same)
	}
	return nil
}

// get resolves the fields of __Type (§4.2.2), which is any reference to a type.
func (t *typeRef) get(field string) any {
	switch {
	case t.nonNull && field == "kind":
		return "NON_NULL"
	case t.nonNull && field == "ofType":
		nullable := *t
		nullable.nonNull = false
		return &nullable
	case t.ofType != nil && field == "kind":
		return "LIST"
	case t.ofType != nil && field == "ofType":
		return t.ofType
	case t.nonNull || t.ofType != nil:
		return nil
	}
	return t.def.get(field)
}

func (t *typeDefinition) get(field string) any {
	switch {
	case field == "kind":
		return t.kind
	case field == "name":
		return t.name
	case field == "description":
		return t.description
	case field == "fields" && t.kind == "OBJECT", field == "enumValues" && t.kind == "ENUM":
		return list(t.elements, same)
	case field == "interfaces" && t.kind == "OBJECT":
		return []any{}
	}
	return nil
}

func (t *typeDefinition) reference() any { return &typeRef{name: t.name, def: t} }

// get resolves the fields of __Field, __InputValue and __EnumValue (§4.2.3 to
// §4.2.5).
func (e *element) get(field string) any {
	switch field {
	case "name":
		return e.name
	case "description":
		return e.description
	case "args":
		return list(e.args, same)
	case "type":
		return e.typ
	case "defaultValue":
		if e.defaultValue != nil {
			return e.defaultValue.String()
		}
	case "isDeprecated":
		return false // nothing of this schema is
	}
	return nil
}

// get resolves the fields of __Directive (§4.2.6).
func (d *directiveDefinition) get(field string) any {
	switch field {
	case "locations":
		return list(d.locations, same)
	case "isRepeatable":
		return false
	}
	return d.element.get(field)
}

// list makes the value of a list field.
func list[T any](items []T, value func(T) any) any {
	values := make([]any, len(items))
	for i, item := range items {
		values[i] = value(item)
	}
	return values
}

func same[T any](item T) any { return item }

// -----------------------------------------------------------------------------
// 5 Validation
// -----------------------------------------------------------------------------

// A validator walks a document once and applies the rules as it goes, at each
// node in the order of graphql-js, whose first error is thus ours:
//
//	5.1.1   executableDefinitions        (by the parser)
//	5.2.2.1 uniqueOperationNames         5.8.3   noUndefinedVariables
//	5.2.3.1 loneAnonymousOperation       5.8.4   noUnusedVariables
//	5.5.1.2 knownTypeNames               5.7.1   knownDirectives
//	5.5.1.3 fragmentsOnCompositeTypes    5.7.2   knownDirectives
//	5.8.2   variablesAreInputTypes       5.7.3   uniqueDirectivesPerLocation
//	5.3.3   scalarLeafs                  5.4.1   knownArgumentNames
//	5.3.1   fieldsOnCorrectType          5.4.2   uniqueArgumentNames
//	5.5.1.1 uniqueFragmentNames          5.6.1   valuesOfCorrectType
//	5.5.2.1 knownFragmentNames           5.4.3   providedRequiredArguments
//	5.5.1.4 noUnusedFragments            5.8.5   variablesInAllowedPosition
//	5.5.2.3 possibleFragmentSpreads      5.3.2   overlappingFieldsCanBeMerged
//	5.5.2.2 noFragmentCycles
//	5.8.1   uniqueVariableNames
//
// The rules on input objects (5.6.2 to 5.6.4) and on subscriptions (5.2.4) have
// nothing to look at.
type validator struct {
	*schema
	*document
	fragments  map[string]*definition
	operations int
	firstNamed map[string]*definition // by uniqueDefinitionNames
	visited    map[string]bool        // by noFragmentCycles
	current    *definition            // that is walked
	work       int                    // steps of variableRules
	cycles     int                    // spreads in the cycles found
	errors     []gqlError
	// Some rules need to know more than the walk has seen when it is their turn:
	// they are run after it, and their errors put where they belong.
	deferred []deferred
}

// A deferred rule is one of an operation or, if that is nil, of a selection set.
type deferred struct {
	position  int // of its errors among those of the walk
	operation *definition
	parent    *typeDefinition
	set       []*selection
}

// validate returns the errors of a document.
func (s *schema) validate(doc *document) []gqlError {
	v := &validator{schema: s, document: doc, fragments: map[string]*definition{},
		firstNamed: map[string]*definition{}, visited: map[string]bool{}}
	for _, def := range doc.definitions {
		if isFragment(def) {
			v.fragments[def.name] = def
		} else {
			v.operations++
		}
	}
	for _, def := range doc.definitions {
		v.current = def
		if isFragment(def) {
			v.fragmentDefinition(def)
		} else {
			v.operationDefinition(def)
		}
	}
	merging := mergeDocument(doc)
	v.runDeferred(merging.conflict != nil || v.errors != nil)
	v.noUnusedFragments()
	switch {
	case v.errors != nil:
	case merging.conflict != nil:
		v.reportConflict(merging.conflict)
	case merging.tooLarge || v.work > maxWork:
		v.report("The document asks for too many fields: at most 10,000")
	}
	return v.errors
}

func (v *validator) report(message string, at ...location) {
	if len(v.errors) < maxErrors {
		v.errors = append(v.errors, *newError(message, at...))
	}
}

// reportf reports an error at one place.
func (v *validator) reportf(at location, format string, args ...any) {
	v.report(fmt.Sprintf(format, args...), at)
}

// runDeferred runs the deferred rules and puts all errors in their order.
func (v *validator) runDeferred(mayConflict bool) {
	walked := v.errors
	search := &conflictSearch{
		maps: map[typedSet]*fieldMap{}, compared: map[[2]*definition]bool{}}
	var errs []gqlError
	done := 0
	for _, d := range v.deferred {
		errs = append(errs, walked[done:d.position]...)
		done = d.position
		v.errors = nil
		if d.operation != nil {
			v.variableRules(d.operation)
		} else if mayConflict {
			v.overlappingFieldsCanBeMerged(search, d.parent, d.set)
		}
		if errs = append(errs, v.errors...); len(errs) > maxErrors {
			break
		}
	}
	v.errors = append(errs, walked[done:]...)
}

// operationDefinition walks an operation.
func (v *validator) operationDefinition(op *definition) {
	v.uniqueOperationNames(op)
	v.loneAnonymousOperation(op)
	v.uniqueVariableNames(op)
	v.uniqueDirectivesPerLocation(op.directives)
	for _, def := range op.variables {
		v.resolveType(def.typ)
		v.variablesAreInputTypes(def)
		v.uniqueDirectivesPerLocation(def.directives)
		v.knownTypeNames(def.typ)
		if def.defaultValue != nil {
			v.valuesOfCorrectType(def.defaultValue, def.typ, false)
		}
		v.walkDirectives(def.directives, "VARIABLE_DEFINITION")
	}
	v.walkDirectives(op.directives, strings.ToUpper(op.kind))
	v.walkSelectionSet(v.rootType(op.kind), op.selectionSet, true)
	v.deferred = append(v.deferred, deferred{position: len(v.errors), operation: op})
}

// fragmentDefinition walks a fragment.
func (v *validator) fragmentDefinition(def *definition) {
	v.resolveType(def.condition)
	v.fragmentsOnCompositeTypes(def.condition, fmt.Sprintf("Fragment %q", def.name))
	v.uniqueFragmentNames(def)
	v.noFragmentCycles(def, nil, map[string]int{})
	v.uniqueDirectivesPerLocation(def.directives)
	v.knownTypeNames(def.condition)
	v.walkDirectives(def.directives, "FRAGMENT_DEFINITION")
	v.walkSelectionSet(def.condition.object(), def.selectionSet, true)
}

func (v *validator) resolveType(t *typeRef) {
	t = t.innermost()
	t.def = v.typeNamed[t.name]
}

// walkSelectionSet walks what is selected from parent, nil where that is not
// known. The set of an inline fragment is part of the set around it, as far as
// merging goes.
func (v *validator) walkSelectionSet(parent *typeDefinition, set []*selection, isWhole bool) {
	if isWhole {
		v.deferred = append(v.deferred, deferred{position: len(v.errors), parent: parent, set: set})
	}
	for _, s := range set {
		s.parent = parent
		switch s.kind {
		case fieldSelection:
			v.walkField(s)
		case inlineFragment:
			v.walkInlineFragment(s)
		case fragmentSpread:
			s.fragment = v.fragments[s.name]
			v.knownFragmentNames(s)
			if s.fragment != nil {
				v.resolveType(s.fragment.condition)
				v.possibleFragmentSpreads(s, s.fragment.condition, fmt.Sprintf("Fragment %q", s.name))
			}
			v.uniqueDirectivesPerLocation(s.directives)
			v.walkDirectives(s.directives, "FRAGMENT_SPREAD")
		}
	}
}

func (v *validator) walkField(s *selection) {
	var args []*element
	var inner *typeDefinition
	if s.parent != nil {
		s.def = v.field(s.parent, s.name)
	}
	if s.def != nil {
		args, inner = s.def.args, s.def.typ.object()
		v.scalarLeafs(s)
	}
	v.fieldsOnCorrectType(s)
	v.uniqueDirectivesPerLocation(s.directives)
	v.uniqueArgumentNames(s.arguments)
	for _, arg := range s.arguments {
		if s.def != nil {
			v.knownArgumentNames(arg, args, "field", s.parent.name+"."+s.name)
		}
		v.argumentValue(arg, args)
	}
	v.walkDirectives(s.directives, "FIELD")
	if s.selectionSet != nil {
		v.walkSelectionSet(inner, s.selectionSet, true)
	}
	v.providedRequiredArguments(s.arguments, args, s.location, "Field", s.name)
}

func (v *validator) walkInlineFragment(s *selection) {
	inner := s.parent
	if s.condition != nil {
		v.resolveType(s.condition)
		inner = s.condition.object()
		v.fragmentsOnCompositeTypes(s.condition, "Fragment")
		v.possibleFragmentSpreads(s, s.condition, "Fragment")
	}
	v.uniqueDirectivesPerLocation(s.directives)
	if s.condition != nil {
		v.knownTypeNames(s.condition)
	}
	v.walkDirectives(s.directives, "INLINE_FRAGMENT")
	v.walkSelectionSet(inner, s.selectionSet, false)
}

func (v *validator) walkDirectives(directives []*directive, location string) {
	for _, d := range directives {
		def := v.directive(d.name)
		v.knownDirectives(d, def, location)
		var args []*element
		if def != nil {
			args = def.args
		}
		for _, arg := range d.arguments {
			if def != nil {
				v.knownArgumentNames(arg, args, "directive", "@"+d.name)
			}
		}
		v.uniqueArgumentNames(d.arguments)
		for _, arg := range d.arguments {
			v.argumentValue(arg, args)
		}
		v.providedRequiredArguments(d.arguments, args, d.location, "Directive", "@"+d.name)
	}
}

func (v *validator) argumentValue(arg *argument, defs []*element) {
	if def := elementNamed(defs, arg.name); def != nil {
		v.valuesOfCorrectType(arg.value, def.typ, def.defaultValue != nil)
	} else {
		v.valuesOfCorrectType(arg.value, nil, false)
	}
}

// uniqueOperationNames: no two operations have one name (§5.2.2.1).
func (v *validator) uniqueOperationNames(op *definition) {
	if op.name != "" {
		v.uniqueDefinitionNames(op, "operation")
	}
}

// uniqueFragmentNames: no two fragments have one name (§5.5.1.1).
func (v *validator) uniqueFragmentNames(def *definition) {
	v.uniqueDefinitionNames(def, "fragment")
}

func (v *validator) uniqueDefinitionNames(def *definition, kind string) {
	if first := v.firstNamed[kind+def.name]; first != nil {
		v.report(fmt.Sprintf("There can be only one %s named %q.", kind, def.name),
			first.nameLocation, def.nameLocation)
	} else {
		v.firstNamed[kind+def.name] = def
	}
}

// loneAnonymousOperation: an operation without a name is alone (§5.2.3.1).
func (v *validator) loneAnonymousOperation(op *definition) {
	if op.name == "" && v.operations > 1 {
		v.report("This anonymous operation must be the only defined operation.", op.location)
	}
}

// knownTypeNames: a type that is named is defined (§5.5.1.2).
func (v *validator) knownTypeNames(t *typeRef) {
	if t = t.innermost(); t.def == nil {
		v.reportf(t.location, "Unknown type %q.", t.name)
	}
}

// fragmentsOnCompositeTypes: a fragment is on an object type (§5.5.1.3).
func (v *validator) fragmentsOnCompositeTypes(t *typeRef, fragment string) {
	if t.def != nil && t.object() == nil {
		v.reportf(t.location, "%s cannot condition on non composite type %q.", fragment, t.name)
	}
}

// variablesAreInputTypes: no variable is an object (§5.8.2).
func (v *validator) variablesAreInputTypes(def *variableDefinition) {
	if def.typ.object() != nil {
		v.reportf(def.typ.location,
			`Variable "$%s" cannot be non-input type "%s".`, def.variable.value, def.typ)
	}
}

// scalarLeafs: objects have a selection set, all else has none (§5.3.3).
func (v *validator) scalarLeafs(s *selection) {
	isObject := s.def.typ.object() != nil
	switch {
	case isObject && s.selectionSet == nil:
		v.reportf(s.location,
			`Field "%s" of type "%s" must have a selection of subfields.`, s.name, s.def.typ)
	case !isObject && s.selectionSet != nil:
		v.reportf(s.setLocation,
			`Field "%s" must not have a selection since type "%s" has no subfields.`,
			s.name, s.def.typ)
	}
}

// fieldsOnCorrectType: the type has the field (§5.3.1).
func (v *validator) fieldsOnCorrectType(s *selection) {
	if s.parent != nil && s.def == nil {
		v.reportf(s.location, "Cannot query field %q on type %q.", s.name, s.parent.name)
	}
}

// knownFragmentNames: a fragment that is spread is defined (§5.5.2.1).
func (v *validator) knownFragmentNames(s *selection) {
	if s.fragment == nil {
		v.reportf(s.nameLocation, "Unknown fragment %q.", s.name)
	}
}

// possibleFragmentSpreads: what is selected from can be of the fragment's type
// (§5.5.2.3). Among object types that means: it is.
func (v *validator) possibleFragmentSpreads(s *selection, condition *typeRef, fragment string) {
	if t := condition.object(); t != nil && s.parent != nil && t != s.parent {
		v.reportf(s.location,
			"%s cannot be spread here as objects of type %q can never be of type %q.",
			fragment, s.parent.name, t.name)
	}
}

// noUnusedFragments: every fragment is spread by an operation, if only by way
// of other fragments (§5.5.1.4).
func (v *validator) noUnusedFragments() {
	if len(v.fragments) == 0 {
		return
	}
	used := map[string]bool{}
	operations := slices.DeleteFunc(slices.Clone(v.definitions), isFragment)
	for _, fragment := range v.referencedFragments(operations...) {
		used[fragment.name] = true
	}
	for _, def := range v.definitions {
		if isFragment(def) && !used[def.name] {
			v.reportf(def.location, "Fragment %q is never used.", def.name)
		}
	}
}

func isFragment(def *definition) bool { return def.kind == "fragment" }

// noFragmentCycles: no fragment spreads itself, by whatever way (§5.5.2.2). The
// path holds the spreads that lead to def, depth how many lead to each fragment
// on that way.
func (v *validator) noFragmentCycles(def *definition, path []*selection, depth map[string]int) {
	if v.visited[def.name] {
		return
	}
	v.visited[def.name] = true
	depth[def.name] = len(path)
	for _, spread := range def.fragmentSpreads() {
		path := append(path, spread)
		if start, isCycle := depth[spread.name]; isCycle {
			v.reportCycle(path[start:])
		} else if fragment := v.fragments[spread.name]; fragment != nil {
			v.noFragmentCycles(fragment, path, depth)
		}
	}
	delete(depth, def.name)
}

func (v *validator) reportCycle(cycle []*selection) {
	if v.cycles += len(cycle); v.cycles > maxFields {
		return // The first is named; how many more is up to us.
	}
	var via []string
	at := []location{}
	for _, spread := range cycle {
		via = append(via, strconv.Quote(spread.name))
		at = append(at, spread.location)
	}
	last := len(via) - 1
	message := fmt.Sprintf("Cannot spread fragment %s within itself", via[last])
	if last > 0 {
		message += " via " + strings.Join(via[:last], ", ")
	}
	v.report(message+".", at...)
}

// fragmentSpreads returns the fragment spreads in a definition in the order of
// graphql-js: those of a set, then those of the sets in it, the last set first.
func (def *definition) fragmentSpreads() []*selection {
	if def.spreads != nil {
		return def.spreads
	}
	def.spreads = []*selection{} // looked for, even where there are none
	for sets := [][]*selection{def.selectionSet}; len(sets) > 0; {
		set := sets[len(sets)-1]
		sets = sets[:len(sets)-1]
		for _, s := range set {
			if s.kind == fragmentSpread {
				def.spreads = append(def.spreads, s)
			} else if s.selectionSet != nil {
				sets = append(sets, s.selectionSet)
			}
		}
	}
	return def.spreads
}

// referencedFragments returns the fragments that operations spread, directly or
// by way of others.
func (v *validator) referencedFragments(operations ...*definition) []*definition {
	found := slices.Clone(operations)
	seen := map[*definition]bool{nil: true}
	for i := 0; i < len(found); i++ {
		v.work += 1 + len(found[i].fragmentSpreads())
		for _, spread := range found[i].fragmentSpreads() {
			if fragment := v.fragments[spread.name]; !seen[fragment] {
				seen[fragment] = true
				found = append(found, fragment)
			}
		}
	}
	return found[len(operations):]
}

// variableRules are those that look at all variables of an operation, with
// those of the fragments that it spreads.
func (v *validator) variableRules(op *definition) {
	if v.work > maxWork {
		return
	}
	usages := slices.Clip(op.usages)
	if len(v.fragments) > 0 {
		for _, fragment := range v.referencedFragments(op) {
			usages = append(usages, fragment.usages...)
		}
	}
	v.work += len(usages)
	if usages == nil && op.variables == nil {
		return
	}
	variables := map[string]*variableDefinition{}
	for _, def := range op.variables {
		variables[def.variable.value] = def
	}
	v.noUndefinedVariables(op, variables, usages)
	v.noUnusedVariables(op, usages)
	v.variablesInAllowedPosition(variables, usages)
}

// uniqueVariableNames: no two variables have one name (§5.8.1).
func (v *validator) uniqueVariableNames(op *definition) {
	names := make([]token, len(op.variables))
	for i, def := range op.variables {
		names[i] = def.variable
	}
	v.uniqueNames(names, "variable", "$")
}

// uniqueNames reports each name that stands there more than once.
func (v *validator) uniqueNames(names []token, kind, prefix string) {
	if len(names) < 2 {
		return
	}
	locations := map[string][]location{}
	for _, name := range names {
		locations[name.value] = append(locations[name.value], name.location)
	}
	for _, name := range names {
		if at := locations[name.value]; len(at) > 1 {
			v.report(fmt.Sprintf("There can be only one %s named %q.", kind, prefix+name.value), at...)
			delete(locations, name.value)
		}
	}
}

// noUndefinedVariables: an operation defines the variables it uses (§5.8.3).
func (v *validator) noUndefinedVariables(
	op *definition, variables map[string]*variableDefinition, usages []variableUsage,
) {
	for _, usage := range usages {
		if variables[usage.text] == nil {
			v.report(fmt.Sprintf("Variable %q is not defined%s.", "$"+usage.text, named(" by", op)),
				usage.location, op.location)
		}
	}
}

// noUnusedVariables: an operation uses the variables it defines (§5.8.4).
func (v *validator) noUnusedVariables(op *definition, usages []variableUsage) {
	used := map[string]bool{}
	for _, usage := range usages {
		used[usage.text] = true
	}
	for _, def := range op.variables {
		if !used[def.variable.value] {
			v.reportf(def.location,
				"Variable %q is never used%s.", "$"+def.variable.value, named(" in", op))
		}
	}
}

// named ends a message with an operation's name, if it has one.
func named(preposition string, op *definition) string {
	if op.name == "" {
		return ""
	}
	return fmt.Sprintf("%s operation %q", preposition, op.name)
}

// knownDirectives: a directive is defined and stands where it may (§5.7.1,
// §5.7.2).
func (v *validator) knownDirectives(d *directive, def *directiveDefinition, location string) {
	switch {
	case def == nil:
		v.reportf(d.location, "Unknown directive %q.", "@"+d.name)
	case !slices.Contains(def.locations, location):
		v.reportf(d.location, "Directive %q may not be used on %s.", "@"+d.name, location)
	}
}

// uniqueDirectivesPerLocation: a directive stands once in a place (§5.7.3).
func (v *validator) uniqueDirectivesPerLocation(directives []*directive) {
	if len(directives) < 2 {
		return
	}
	seen := map[string]*directive{}
	for _, d := range directives {
		if first := seen[d.name]; first != nil {
			v.report(fmt.Sprintf("The directive %q can only be used once at this location.", "@"+d.name),
				first.location, d.location)
		} else if v.directive(d.name) != nil {
			seen[d.name] = d
		}
	}
}

// knownArgumentNames: an argument is one that the field or directive has (§5.4.1).
func (v *validator) knownArgumentNames(arg *argument, defs []*element, kind, name string) {
	if elementNamed(defs, arg.name) == nil {
		v.reportf(arg.location, "Unknown argument %q on %s %q.", arg.name, kind, name)
	}
}

// uniqueArgumentNames: no two arguments have one name (§5.4.2).
func (v *validator) uniqueArgumentNames(args []*argument) {
	names := make([]token, len(args))
	for i, arg := range args {
		names[i] = token{location: arg.location, value: arg.name}
	}
	v.uniqueNames(names, "argument", "")
}

// A variableUsage is a variable where a value of a type is expected.
type variableUsage struct {
	*value
	typ        *typeRef // nil where it is unknown
	hasDefault bool     // of the argument, not of the variable
}

// valuesOfCorrectType: a literal is one of its type (§5.6.1). Variables are
// noted for other rules.
func (v *validator) valuesOfCorrectType(val *value, t *typeRef, hasDefault bool) {
	isList := t != nil && t.ofType != nil && val.kind == kindList
	switch named := t.innermost(); {
	case val.kind == kindVariable:
		v.current.usages = append(v.current.usages, variableUsage{val, t, hasDefault})
	case isList || named == nil || named.def == nil || named.def.kind == "OBJECT":
	case val.kind == kindNull && t.nonNull:
		v.reportf(val.location, `Expected value of type "%s", found null.`, t)
	case val.kind == kindNull:
	default:
		if message := named.def.refuse(val); message != "" {
			v.report(message, val.location)
		}
		t = nil // one error is enough
	}
	if isList {
		t = t.ofType
	}
	for _, item := range val.items {
		v.valuesOfCorrectType(item, t, false)
	}
	for _, field := range val.fields {
		v.valuesOfCorrectType(field.value, nil, false)
	}
}

// refuse says why a literal is none of a scalar or an enum, or "".
func (t *typeDefinition) refuse(val *value) string {
	switch {
	case t.name == "Int" && val.kind != kindInt:
		return "Int cannot represent non-integer value: " + val.String()
	case t.name == "Int":
		if _, err := strconv.ParseInt(val.text, 10, 32); err != nil {
			return "Int cannot represent non 32-bit signed integer value: " + val.text
		}
	case t.name == "String" && val.kind != kindString:
		return "String cannot represent a non string value: " + val.String()
	case t.name == "Boolean" && val.kind != kindBoolean:
		return "Boolean cannot represent a non boolean value: " + val.String()
	case t.kind == "ENUM" && val.kind != kindEnum:
		return fmt.Sprintf("Enum %q cannot represent non-enum value: %s.", t.name, val)
	case t.kind == "ENUM" && t.named[val.text] == nil:
		return fmt.Sprintf("Value %q does not exist in %q enum.", val.text, t.name)
	}
	return ""
}

// String prints a value as GraphQL.
func (val *value) String() string {
	var parts []string
	switch val.kind {
	case kindVariable:
		return "$" + val.text
	case kindString:
		if val.block {
			return `"""` + val.text + `"""`
		}
		return string(appendJSONString(nil, val.text))
	case kindList:
		for _, item := range val.items {
			parts = append(parts, item.String())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case kindObject:
		for _, field := range val.fields {
			parts = append(parts, field.name+": "+field.value.String())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return val.text
}

// providedRequiredArguments: no argument is missing (§5.4.3).
func (v *validator) providedRequiredArguments(
	args []*argument, defs []*element, at location, kind, name string,
) {
	for _, def := range defs {
		isGiven := slices.ContainsFunc(args, func(arg *argument) bool { return arg.name == def.name })
		if def.typ.nonNull && def.defaultValue == nil && !isGiven {
			v.reportf(at,
				`%s "%s" argument "%s" of type "%s" is required, but it was not provided.`,
				kind, name, def.name, def.typ)
		}
	}
}

// variablesInAllowedPosition: a variable is of the type that is expected where it
// stands, or of a narrower one (§5.8.5). None of our arguments is a list.
func (v *validator) variablesInAllowedPosition(
	variables map[string]*variableDefinition, usages []variableUsage,
) {
	for _, usage := range usages {
		def := variables[usage.text]
		if def == nil || usage.typ == nil || def.typ.innermost().def == nil {
			continue
		}
		hasDefault := usage.hasDefault || def.defaultValue != nil && def.defaultValue.kind != kindNull
		mayBeNull := !def.typ.nonNull && !hasDefault
		if def.typ.name != usage.typ.name || mayBeNull && usage.typ.nonNull {
			v.report(fmt.Sprintf(`Variable "$%s" of type "%s" used in position expecting type "%s".`,
				usage.text, def.typ, usage.typ), def.location, usage.location)
		}
	}
}

// Fields whose response keys are equal are merged into one, so they must ask
// for the same (§5.3.2). With objects alone "asks for the same" is an
// equivalence: it is enough to compare each field with the first of its key, in
// the set that the execution will see, level by level. That takes linear time
// and tells whether a document has a conflict. Which of its conflicts to name
// is then the business of overlappingFieldsCanBeMerged.
type merging struct {
	fields   int // of one operation
	work     int // selections looked at
	reached  map[*definition]bool
	tooLarge bool
	conflict *conflict // the first one found, or nil
}

// mergeDocument merges each operation, and each fragment that none has spread.
func mergeDocument(doc *document) merging {
	m := merging{reached: map[*definition]bool{}}
	for _, fragments := range []bool{false, true} {
		for _, def := range doc.definitions {
			if isFragment(def) == fragments && !m.reached[def] && !m.isDone() {
				m.fields = 0
				m.merge(collectFields(nil, def.selectionSet))
			}
		}
	}
	return m
}

func (m *merging) isDone() bool { return m.tooLarge || m.conflict != nil }

func (m *merging) merge(c collector) {
	maps.Copy(m.reached, c.visited)
	m.fields += len(c.groups)
	m.work += c.work
	m.tooLarge = m.tooLarge || m.fields > maxFields || m.work > maxWork
	for _, g := range c.groups {
		for _, field := range g.others {
			a, b := typed(g.selection, g.parent), typed(field, field.parent)
			if reason := difference(a, b, false); reason != "" {
				m.conflict = newConflict(reason, a, b)
				return
			}
		}
	}
	for _, g := range c.groups {
		if g.selectionSet != nil && !m.isDone() {
			m.merge(g.collectSubfields(nil))
		}
	}
}

// A typedField is a field with its definition, where that is known.
type typedField struct {
	*selection
	parent *typeDefinition
	def    *element
}

// typed looks up the definition of a field. For graphql-js's rule __schema, __type
// and __typename have none, nor has what is selected from them.
func typed(s *selection, parent *typeDefinition) typedField {
	if parent == nil {
		return typedField{selection: s}
	}
	return typedField{s, parent, parent.named[s.name]}
}

// difference says what two fields of one response key differ in, or "". Fields
// of different types never meet, and only the shape of their values must agree.
func difference(a, b typedField, areExclusive bool) string {
	mustAgree := !areExclusive && !exclusive(a, b)
	switch {
	case mustAgree && a.name != b.name:
		return fmt.Sprintf("%q and %q are different fields", abbreviate(a.name), abbreviate(b.name))
	case mustAgree && !equalArguments(a.arguments, b.arguments):
		return "they have differing arguments"
	case a.def != nil && b.def != nil && !sameShape(a.def.typ, b.def.typ):
		return fmt.Sprintf(`they return conflicting types "%s" and "%s"`, a.def.typ, b.def.typ)
	}
	return ""
}

func exclusive(a, b typedField) bool {
	return a.parent != nil && b.parent != nil && a.parent != b.parent
}

// sameShape is SameResponseShape (§5.3.2) of the types of two fields.
func sameShape(t, u *typeRef) bool {
	switch {
	case t.nonNull != u.nonNull || (t.ofType == nil) != (u.ofType == nil):
		return false
	case t.ofType != nil:
		return sameShape(t.ofType, u.ofType)
	}
	return t.def == u.def || t.object() != nil && u.object() != nil
}

// equalArguments compares arguments in any order.
func equalArguments(a, b []*argument) bool {
	if len(a) != len(b) {
		return false
	}
	others := make(map[string]*argument, len(b))
	for _, arg := range b {
		others[arg.name] = arg
	}
	return !slices.ContainsFunc(a, func(arg *argument) bool {
		other := others[arg.name]
		return other == nil || arg.canonicalValue() != other.canonicalValue()
	})
}

// canonicalValue is a text that equal values have in common.
func (arg *argument) canonicalValue() string {
	if arg.canonical == "" {
		arg.canonical = string(appendCanonical(nil, arg.value))
	}
	return arg.canonical
}

// appendCanonical writes a value, the fields of objects by their names.
func appendCanonical(text []byte, val *value) []byte {
	switch val.kind {
	case kindVariable:
		return append(append(text, '$'), val.text...)
	case kindString:
		return appendJSONString(strconv.AppendBool(text, val.block), val.text)
	case kindList:
		text = append(text, '[')
		for _, item := range val.items {
			text = append(appendCanonical(text, item), ',')
		}
		return append(text, ']')
	case kindObject:
		text = append(text, '{')
		byName := func(a, b *argument) int { return strings.Compare(a.name, b.name) }
		for _, field := range slices.SortedStableFunc(slices.Values(val.fields), byName) {
			text = append(append(text, field.name...), ':')
			text = append(appendCanonical(text, field.value), ',')
		}
		return append(text, '}')
	}
	return append(text, val.text...)
}

// overlappingFieldsCanBeMerged names the conflicts of a set (§5.3.2).
func (v *validator) overlappingFieldsCanBeMerged(
	search *conflictSearch, parent *typeDefinition, set []*selection,
) {
	for _, c := range search.within(search.fieldMap(set, parent)) {
		v.reportConflict(c)
	}
}

func (v *validator) reportConflict(c *conflict) {
	v.report(fmt.Sprintf("Fields %q conflict because %s."+
		" Use different aliases on the fields to fetch both if this was intentional.",
		abbreviate(c.key), c.reason), slices.Concat(c.first, c.second)...)
}

// A conflict is two fields of one response key that ask for different things,
// or select them.
type conflict struct {
	key, reason   string
	first, second []location // of a field, and of what it selects
}

func newConflict(reason string, a, b typedField) *conflict {
	return &conflict{a.key, reason, []location{a.location}, []location{b.location}}
}

// enclose makes one conflict of those in what two fields select.
func enclose(inner []*conflict, a, b typedField) *conflict {
	outer, and := newConflict("", a, b), ""
	for _, c := range inner {
		if len(outer.reason) <= maxReason {
			outer.reason += fmt.Sprintf("%ssubfields %q conflict because %s", and, c.key, c.reason)
			and = " and "
		}
		outer.first = appendDeepest(outer.first, c.first)
		outer.second = appendDeepest(outer.second, c.second)
	}
	outer.reason = abbreviate(outer.reason)
	return outer
}

// A conflict is told in so many bytes and locations, however many there are.
const maxReason, maxLocations = 1000, 20

func appendDeepest(to, locations []location) []location {
	room := maxLocations - len(to)
	return append(to, locations[max(0, len(locations)-room):]...)
}

func abbreviate(text string) string {
	if len(text) > maxReason {
		return text[:maxReason] + "..."
	}
	return text
}

// A conflictSearch goes through a document that is refused in the order of
// graphql-js, which compares every two fields.
type conflictSearch struct {
	found     []*conflict // in the sets that are compared
	maps      map[typedSet]*fieldMap
	compared  map[[2]*definition]bool // pairs of fragments; true: while exclusive
	exclusive bool                    // the fields around are of different types
	work      int
}

// A typedSet is a selection set, by its first selection, and the type it is of.
type typedSet struct {
	first  *selection
	parent *typeDefinition
}

// A fieldMap is the fields of one selection set by their response keys, and the
// fragments that it spreads.
type fieldMap struct {
	keys      []string
	fields    map[string][]typedField
	fragments []*definition
	compared  map[*definition]bool // with these fragments; true: while exclusive
}

// deeper is how many steps a call costs that may be inside of thousands of its
// like, in the cycles of a refused document: it takes room on the stack, too.
const deeper = 8

// isDone counts steps, and tells whether the search is over.
func (s *conflictSearch) isDone(steps int) bool {
	s.work += steps
	return len(s.found) >= maxErrors || s.work > maxSearch
}

// fieldMap returns the map of a set that selects from parent, nil where that is not
// known.
func (s *conflictSearch) fieldMap(set []*selection, parent *typeDefinition) *fieldMap {
	m := s.maps[typedSet{set[0], parent}]
	if m == nil {
		m = &fieldMap{fields: map[string][]typedField{}, compared: map[*definition]bool{}}
		m.add(set, parent)
		s.maps[typedSet{set[0], parent}] = m
	}
	return m
}

func (s *conflictSearch) fragmentMap(f *definition) *fieldMap {
	return s.fieldMap(f.selectionSet, f.condition.object())
}

func (s *conflictSearch) subfieldMap(f typedField) *fieldMap {
	if f.def == nil {
		return s.fieldMap(f.selectionSet, nil)
	}
	return s.fieldMap(f.selectionSet, f.def.typ.object())
}

func (m *fieldMap) add(set []*selection, parent *typeDefinition) {
	for _, s := range set {
		switch {
		case s.kind == inlineFragment && s.condition == nil:
			m.add(s.selectionSet, parent)
		case s.kind == inlineFragment:
			m.add(s.selectionSet, s.condition.object())
		case s.kind == fieldSelection:
			if m.fields[s.key] == nil {
				m.keys = append(m.keys, s.key)
			}
			m.fields[s.key] = append(m.fields[s.key], typed(s, parent))
		case s.fragment != nil && !slices.Contains(m.fragments, s.fragment):
			m.fragments = append(m.fragments, s.fragment)
		}
	}
}

// within compares the fields of a set with each other, with those of each
// fragment spread in it, and these fragments with each other.
func (s *conflictSearch) within(m *fieldMap) []*conflict {
	s.found = nil
	for _, key := range m.keys {
		for i := range m.fields[key] {
			s.fields(m.fields[key][i:i+1], m.fields[key][i+1:])
		}
	}
	for i, f := range m.fragments {
		s.withFragment(m, f)
		for _, g := range m.fragments[i+1:] {
			s.fragments(f, g)
		}
	}
	return s.found
}

// withFragment compares the fields of a set with those of a fragment, once: but
// again if that was while exclusive, which looks at less.
func (s *conflictSearch) withFragment(m *fieldMap, f *definition) {
	if s.isDone(1) {
		return
	}
	n := s.fragmentMap(f)
	wasExclusive, isCompared := m.compared[f]
	if m == n || isCompared && (s.exclusive || !wasExclusive) {
		return
	}
	m.compared[f] = s.exclusive
	s.between(m, n)
	for _, g := range n.fragments {
		s.withFragment(m, g)
	}
}

// fragments compares the fields of two fragments.
func (s *conflictSearch) fragments(f, g *definition) {
	if s.isDone(deeper) {
		return
	}
	wasExclusive, isCompared := s.compared[[2]*definition{f, g}]
	if f == g || isCompared && (s.exclusive || !wasExclusive) {
		return
	}
	s.compared[[2]*definition{f, g}], s.compared[[2]*definition{g, f}] = s.exclusive, s.exclusive
	m, n := s.fragmentMap(f), s.fragmentMap(g)
	s.between(m, n)
	for _, h := range n.fragments {
		s.fragments(f, h)
	}
	for _, h := range m.fragments {
		s.fragments(h, g)
	}
}

// between compares the fields of two sets.
func (s *conflictSearch) between(m, n *fieldMap) {
	s.work += len(m.keys)
	for _, key := range m.keys {
		s.fields(m.fields[key], n.fields[key])
	}
}

// fields compares each of some fields with each of others, and what they select.
func (s *conflictSearch) fields(as, bs []typedField) {
	for _, a := range as {
		for _, b := range bs {
			if s.isDone(2 + len(a.arguments)) {
				return
			}
			if reason := difference(a, b, s.exclusive); reason != "" {
				s.found = append(s.found, newConflict(reason, a, b))
			} else if a.selectionSet != nil && b.selectionSet != nil {
				s.subfields(a, b)
			}
		}
	}
}

func (s *conflictSearch) subfields(a, b typedField) {
	if s.isDone(deeper) {
		return
	}
	found, wasExclusive := s.found, s.exclusive
	s.found, s.exclusive = nil, wasExclusive || exclusive(a, b)
	m, n := s.subfieldMap(a), s.subfieldMap(b)
	s.between(m, n)
	for _, f := range n.fragments {
		s.withFragment(m, f)
	}
	for _, f := range m.fragments {
		s.withFragment(n, f)
	}
	for _, f := range m.fragments {
		for _, g := range n.fragments {
			s.fragments(f, g)
		}
	}
	if s.found != nil {
		found = append(found, enclose(s.found, a, b))
	}
	s.found, s.exclusive = found, wasExclusive
}

// -----------------------------------------------------------------------------
// 6 Execution
// -----------------------------------------------------------------------------

// An operation is one of a valid document, ready to be executed.
type operation struct {
	*definition
	schema *schema
}

// An execution writes the reply while it resolves one field after the other: a
// value that turns out to be null takes back what was written of it.
type execution struct {
	operation
	ctx       context.Context
	variables map[string]any
	data      []byte
	path      []pathElement // of the field that is resolved (§7.1.4)
	fields    int           // written so far
	errors    []gqlError
}

// A pathElement is a response key, or the index of an item where that is "".
type pathElement struct {
	key   string
	index int
}

// errTooManyFields refuses a document whose reply has grown too large.
var errTooManyFields = newError("The document asks for too many fields: at most 50,000")

// execute is ExecuteRequest (§6.1). It returns the reply, and whether that has
// data: false where the operation was refused before it ran.
func (op operation) execute(
	ctx context.Context, variables []member,
) (reply []byte, ok bool) {
	e := &execution{operation: op, ctx: ctx, path: make([]pathElement, 0, 4)}
	e.data = append(make([]byte, 0, 256), dataPrefix...)
	if e.coerceVariableValues(variables); e.errors != nil {
		return response("", e.errors...), false
	}
	root := collectFields(e, op.selectionSet)
	if root.err != nil {
		return response("null", *root.err), true
	}
	if err := e.limitMutations(root.groups); err != nil {
		return response("", *err), false
	}
	if !e.executeCollectedFields(nil, root.groups) {
		e.data = append(e.data[:len(dataPrefix)], "null"...)
	}
	switch {
	case e.fields > maxReplyFields:
		return response("", *errTooManyFields), false
	case e.errors != nil:
		return response(string(e.data[len(dataPrefix):]), e.errors...), true
	}
	return append(e.data, '}'), true
}

// limitMutations refuses a mutation that runs too many fields: they are what can
// cost much.
func (e *execution) limitMutations(fields []fieldGroup) *gqlError {
	count := 0
	for _, g := range fields {
		if g.name != "__typename" {
			count++
		}
	}
	if e.kind != "mutation" || count <= maxMutationFields {
		return nil
	}
	var names []string
	for _, field := range e.schema.rootType("mutation").elements {
		names = append(names, field.name)
	}
	return newError(fmt.Sprintf("At most %d %s fields in one operation",
		maxMutationFields, strings.Join(names, " and ")))
}

// coerceVariableValues is CoerceVariableValues (§6.1.2). The arguments of this
// schema take strings and booleans, so a variable that is used rightly is one.
func (e *execution) coerceVariableValues(input []member) {
	if e.definition.variables == nil {
		return
	}
	given := make(map[string]string, len(input))
	for _, m := range input {
		given[m.name] = m.value
	}
	e.variables = make(map[string]any, len(given))
	for _, def := range e.definition.variables {
		name, problem := def.variable.value, ""
		value, isGiven := given[name]
		switch {
		case !isGiven && def.defaultValue != nil:
			e.variables[name] = e.valueOf(def.defaultValue)
		case !isGiven && def.typ.nonNull:
			problem = fmt.Sprintf(`of required type "%s" was not provided.`, def.typ)
		case !isGiven:
		case value == "null" && def.typ.nonNull:
			problem = fmt.Sprintf(`of non-null type "%s" must not be null.`, def.typ)
		default:
			e.variables[name], problem = coerceInput(value, def.typ.name)
		}
		if problem != "" {
			problem = fmt.Sprintf(`Variable "$%s" %s`, name, problem)
			e.errors = append(e.errors, *newError(problem, def.location))
		}
	}
}

// coerceInput makes a value of JSON into a String (§3.5.3) or Boolean (§3.5.4), or
// says why it is none. Null is either.
func coerceInput(input, typeName string) (_ any, problem string) {
	text, isString := stringValue(input)
	switch {
	case input == "null":
		return nil, ""
	case typeName == "String" && isString:
		return text, ""
	case typeName == "Boolean" && (input == "true" || input == "false"):
		return input == "true", ""
	}
	return nil, fmt.Sprintf("got invalid value %[1]s; %[2]s cannot represent a non %[3]s value: %[1]s",
		inspect(input, 1), typeName, strings.ToLower(typeName))
}

// inspect shows JSON as graphql-js's messages do: a list has ten items at most, and
// what is in the third level is left out.
func inspect(input string, level int) string {
	var parts []string
	switch members, _ := splitMembers(input); {
	case len(members) > 0 && level > 2:
		return "[Object]"
	case len(members) > 0:
		for _, m := range members {
			parts = append(parts, m.name+": "+inspect(m.value, level+1))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case input[0] == '[':
		return inspectList(input, level)
	case input[0] == '"':
		text, _ := stringValue(input)
		return string(appendJSONString(nil, text))
	}
	var value any
	if err := json.Unmarshal([]byte(input), &value); err != nil {
		return input // a number too large for Go
	}
	text, _ := json.Marshal(value) // 1e2 is 100
	return string(text)
}

func inspectList(input string, level int) string {
	var items []json.RawMessage
	json.Unmarshal([]byte(input), &items)
	if len(items) > 0 && level > 2 {
		return "[Array]"
	}
	var parts []string
	for _, item := range items[:min(len(items), 10)] {
		parts = append(parts, inspect(string(item), level+1))
	}
	switch more := len(items) - len(parts); {
	case more == 1:
		parts = append(parts, "... 1 more item")
	case more > 1:
		parts = append(parts, fmt.Sprintf("... %d more items", more))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// A fieldGroup is the fields that share a response key (§6.3.2).
type fieldGroup struct {
	*selection              // the first of them
	others     []*selection // which ask for the same
	subfields  *collector   // what they select: the same in every item of a list
}

// A collector is CollectFields (§6.3.2), under way or done.
type collector struct {
	execution *execution // nil to take no notice of @skip and @include
	groups    []fieldGroup
	index     map[string]int // of the groups, once there are more than a few
	visited   map[*definition]bool
	work      int // selections looked at
	err       *gqlError
}

func collectFields(e *execution, set []*selection) collector {
	c := collector{execution: e, groups: make([]fieldGroup, 0, len(set))}
	c.collect(set)
	return c
}

// collectSubfields is CollectSubfields (§6.3.2): what all fields of a group select.
func (g *fieldGroup) collectSubfields(e *execution) collector {
	c := collectFields(e, g.selectionSet)
	for _, field := range g.others {
		c.collect(field.selectionSet)
	}
	return c
}

// collect goes through a set. Type conditions are not asked again: among object
// types, validation has let through only those that apply (§5.5.2.3).
func (c *collector) collect(set []*selection) {
	for _, s := range set {
		c.work++
		switch {
		case s.kind == fragmentSpread && (s.fragment == nil || c.visited[s.fragment]):
		case s.directives != nil && !c.includes(s.directives):
		case s.kind == fieldSelection:
			c.add(s)
		case s.kind == inlineFragment:
			c.collect(s.selectionSet)
		case s.kind == fragmentSpread:
			if c.visited == nil {
				c.visited = map[*definition]bool{}
			}
			c.visited[s.fragment] = true
			c.collect(s.fragment.selectionSet)
		}
	}
}

// includes tells whether @skip and @include let a selection in (§3.13.1, §3.13.2).
func (c *collector) includes(directives []*directive) bool {
	if c.execution == nil {
		return true
	}
	for _, name := range []string{"skip", "include"} {
		i := slices.IndexFunc(directives, func(d *directive) bool { return d.name == name })
		if i < 0 || c.err != nil {
			continue
		}
		ifArg := c.execution.schema.directive(name).args[0]
		value, _, err := c.execution.coerceArgumentValue(ifArg, directives[i].arguments)
		if c.err = err; value == (name == "skip") {
			return false
		}
	}
	return c.err == nil
}

func (c *collector) add(s *selection) {
	i := c.find(s.key)
	if i >= 0 {
		c.groups[i].others = append(c.groups[i].others, s)
		return
	}
	if c.index != nil {
		c.index[s.key] = len(c.groups)
	}
	c.groups = append(c.groups, fieldGroup{selection: s})
}

// find returns the index of a response key among the groups, or -1.
func (c *collector) find(key string) int {
	if len(c.groups) <= 8 {
		return slices.IndexFunc(c.groups, func(g fieldGroup) bool { return g.key == key })
	}
	if c.index == nil {
		c.index = map[string]int{}
		for i, g := range c.groups {
			c.index[g.key] = i
		}
	}
	if i, ok := c.index[key]; ok {
		return i
	}
	return -1
}

// executeCollectedFields is ExecuteCollectedFields (§6.3.3), one field after
// the other, as a mutation needs it. It is false where the object is to be null,
// and at once when the reply has grown too large.
func (e *execution) executeCollectedFields(source object, fields []fieldGroup) bool {
	e.data = append(e.data, '{')
	for i := range fields {
		g := &fields[i]
		if i > 0 {
			e.data = append(e.data, ',')
		}
		e.data = append(append(append(e.data, '"'), g.key...), `":`...)
		if e.fields++; e.fields > maxReplyFields {
			return false
		}
		e.path = append(e.path, pathElement{key: g.key})
		if !e.executeField(source, g) {
			return false
		}
		e.path = e.path[:len(e.path)-1]
	}
	e.data = append(e.data, '}')
	return true
}

// executeField is ExecuteField (§6.4). It is false where the field is null and
// may not be, so that the object around it becomes null too.
func (e *execution) executeField(source object, g *fieldGroup) bool {
	if g.name == "__typename" {
		e.data = appendJSONString(e.data, g.parent.name)
		return true
	}
	args, invalid := e.coerceArgumentValues(g.def.args, g.arguments)
	if invalid != nil {
		return e.fail(invalid, g.def.typ)
	}
	if g.def.resolve == nil {
		return e.completeValue(g.def.typ, g, source.get(g.name))
	}
	result, err := g.def.resolve(e.ctx, args)
	if err != nil {
		return e.fail(g.locate(err), g.def.typ)
	}
	return e.completeValue(g.def.typ, g, result)
}

// locate gives the error of a resolver the places of all fields it resolved.
func (g *fieldGroup) locate(err error) *gqlError {
	located := newError(err.Error(), g.location)
	for _, field := range g.others {
		located.Locations = append(located.Locations, field.location)
	}
	var coded codedError
	if errors.As(err, &coded) {
		located.Extensions = map[string]string{"code": coded.code}
	}
	return located
}

// fail notes an error and writes null (§6.4.4). Like executeField, it is false
// where null may not be.
func (e *execution) fail(err *gqlError, t *typeRef) bool {
	if len(e.errors) < maxErrors {
		located := *err // which may be that of other items too
		for _, element := range e.path {
			if element.key != "" {
				located.Path = append(located.Path, element.key)
			} else {
				located.Path = append(located.Path, element.index)
			}
		}
		e.errors = append(e.errors, located)
	}
	e.data = append(e.data, "null"...)
	return !t.nonNull
}

// coerceArgumentValues is CoerceArgumentValues (§6.4.1).
func (e *execution) coerceArgumentValues(
	defs []*element, args []*argument,
) (map[string]any, *gqlError) {
	if defs == nil {
		return nil, nil
	}
	values := make(map[string]any, len(defs))
	for _, def := range defs {
		value, isGiven, err := e.coerceArgumentValue(def, args)
		if err != nil {
			return nil, err
		}
		if isGiven {
			values[def.name] = value
		}
	}
	return values, nil
}

// coerceArgumentValue returns the value of one argument.
func (e *execution) coerceArgumentValue(
	def *element, args []*argument,
) (value any, isGiven bool, err *gqlError) {
	i := slices.IndexFunc(args, func(arg *argument) bool { return arg.name == def.name })
	switch {
	case i >= 0 && e.isProvided(args[i].value):
		value = e.valueOf(args[i].value)
	case def.defaultValue != nil:
		value = e.valueOf(def.defaultValue)
	default:
		return nil, false, nil // A required one would not have passed validation.
	}
	if def.typ.nonNull && value == nil {
		return nil, false, newError(fmt.Sprintf(`Argument "%s" of non-null type "%s" must not be null.`,
			def.name, def.typ), args[i].value.location)
	}
	return value, true, nil
}

// isProvided is false of a variable without a value.
func (e *execution) isProvided(v *value) bool {
	_, ok := e.variables[v.text]
	return ok || v.kind != kindVariable
}

// valueOf returns what a literal or a variable stands for. Arguments of this
// schema take strings and booleans alone.
func (e *execution) valueOf(v *value) any {
	switch v.kind {
	case kindVariable:
		return e.variables[v.text]
	case kindNull:
		return nil
	case kindBoolean:
		return v.text == "true"
	}
	return v.text
}

// completeValue is CompleteValue (§6.4.3): it writes what a resolver returned
// as its type demands. Like executeField, it is false where null may not be.
// (Unlike there, such a null is no error of its own: no resolver returns one.)
func (e *execution) completeValue(t *typeRef, g *fieldGroup, result any) bool {
	start, depth := len(e.data), len(e.path)
	switch {
	case result == nil:
		e.data = append(e.data, "null"...)
		return !t.nonNull
	case t.ofType != nil:
		if e.completeList(t.ofType, g, result.([]any)) {
			return true
		}
	case t.def.kind == "OBJECT":
		if g.subfields == nil {
			subfields := g.collectSubfields(e)
			g.subfields = &subfields
		}
		if g.subfields.err != nil {
			return e.fail(g.subfields.err, t)
		}
		if e.executeCollectedFields(result.(object), g.subfields.groups) {
			return true
		}
	default:
		e.data = appendLeaf(e.data, result)
		return true
	}
	e.data, e.path = append(e.data[:start], "null"...), e.path[:depth]
	return !t.nonNull
}

func (e *execution) completeList(t *typeRef, g *fieldGroup, items []any) bool {
	depth := len(e.path)
	e.data = append(e.data, '[')
	for i, item := range items {
		if i > 0 {
			e.data = append(e.data, ',')
		}
		e.path = append(e.path[:depth], pathElement{index: i})
		if !e.completeValue(t, g, item) {
			return false
		}
	}
	e.path = e.path[:depth]
	e.data = append(e.data, ']')
	return true
}

// -----------------------------------------------------------------------------
// 7 Response
// -----------------------------------------------------------------------------

// A gqlError is an error of a reply (§7.1.6).
type gqlError struct {
	Message    string            `json:"message"`
	Locations  []location        `json:"locations,omitempty"`
	Path       []any             `json:"path,omitempty"`
	Extensions map[string]string `json:"extensions,omitempty"`
}

func newError(message string, at ...location) *gqlError {
	return &gqlError{Message: message, Locations: at}
}

// A codedError is an error of a resolver with a code for programs, which comes
// out as extensions.code.
type codedError struct{ code, message string }

func (e codedError) Error() string { return e.message }

// dataPrefix begins a reply without errors.
const dataPrefix = `{"data":`

// response is a reply with errors (§7.1). They come first, lest they be
// overlooked. Where data is "", the request was refused before it was executed.
func response(data string, errs ...gqlError) []byte {
	var reply bytes.Buffer
	encoder := json.NewEncoder(&reply)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		Errors []gqlError      `json:"errors"`
		Data   json.RawMessage `json:"data,omitempty"`
	}{errs[:min(len(errs), maxErrors)], json.RawMessage(data)})
	if err != nil {
		panic(err) // of what we wrote ourselves
	}
	return bytes.TrimSpace(reply.Bytes())
}

// appendLeaf writes a scalar or an enum.
func appendLeaf(data []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendJSONString(data, v)
	case bool:
		return strconv.AppendBool(data, v)
	case int64:
		return strconv.AppendInt(data, v, 10)
	}
	panic(fmt.Sprintf("a resolver returned a %T", value))
}

// builtinDefs is what every schema has besides its own types (§3.5, §3.13,
// §4.2), in the words of graphql-js: ~ stands for a backquote, and a single line
// break in a description for a space.
const builtinDefs = `
"""The ~Int~ scalar type represents non-fractional signed whole numeric values. Int can represent
values between -(2^31) and 2^31 - 1."""
scalar Int

"""The ~String~ scalar type represents textual data, represented as UTF-8 character sequences. The
String type is most often used by GraphQL to represent free-form human-readable text."""
scalar String

"The ~Boolean~ scalar type represents ~true~ or ~false~."
scalar Boolean

"Not a type of its own: the fields that every object has, and the root of queries."
type __Meta {
  __schema: __Schema!
  __type(name: String!): __Type
  __typename: String!
}

"Directs the executor to include this field or fragment only when the ~if~ argument is true."
directive @include(
  "Included when true."
  if: Boolean!
) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT

"Directs the executor to skip this field or fragment when the ~if~ argument is true."
directive @skip(
  "Skipped when true."
  if: Boolean!
) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT

"Marks an element of a GraphQL schema as no longer supported."
directive @deprecated(
  """Explains why this element was deprecated, usually also including a suggestion for how to
  access supported similar data. Formatted using the Markdown syntax, as specified by
  [CommonMark](https://commonmark.org/)."""
  reason: String = "No longer supported"
) on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE | DIRECTIVE_DEFINITION

"Exposes a URL that specifies the behavior of this scalar."
directive @specifiedBy(
  "The URL that specifies the behavior of this scalar."
  url: String!
) on SCALAR

"Indicates exactly one field must be supplied and this field must not be ~null~."
directive @oneOf on INPUT_OBJECT

"""A GraphQL Schema defines the capabilities of a GraphQL server. It exposes all available types
and directives on the server, as well as the entry points for query, mutation, and subscription
operations."""
type __Schema {
  description: String
  "A list of all types supported by this server."
  types: [__Type!]!
  "The type that query operations will be rooted at."
  queryType: __Type!
  "If this server supports mutation, the type that mutation operations will be rooted at."
  mutationType: __Type
  "If this server support subscription, the type that subscription operations will be rooted at."
  subscriptionType: __Type
  "A list of all directives supported by this server."
  directives(includeDeprecated: Boolean! = false): [__Directive!]!
}

"""The fundamental unit of any GraphQL Schema is the type. There are many kinds of types in
GraphQL as represented by the ~__TypeKind~ enum.

Depending on the kind of a type, certain fields describe information about that type. Scalar types
provide no information beyond a name, description and optional ~specifiedByURL~, while Enum types
provide their values. Object and Interface types provide the fields they describe. Abstract types,
Union and Interface, provide the Object types possible at runtime. List and NonNull types compose
other types."""
type __Type {
  kind: __TypeKind!
  name: String
  description: String
  specifiedByURL: String
  fields(includeDeprecated: Boolean = false): [__Field!]
  interfaces: [__Type!]
  possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!]
  ofType: __Type
  isOneOf: Boolean
}

"An enum describing what kind of type a given ~__Type~ is."
enum __TypeKind {
  "Indicates this type is a scalar."
  SCALAR
  "Indicates this type is an object. ~fields~ and ~interfaces~ are valid fields."
  OBJECT
  """Indicates this type is an interface. ~fields~, ~interfaces~, and ~possibleTypes~ are valid
  fields."""
  INTERFACE
  "Indicates this type is a union. ~possibleTypes~ is a valid field."
  UNION
  "Indicates this type is an enum. ~enumValues~ is a valid field."
  ENUM
  "Indicates this type is an input object. ~inputFields~ is a valid field."
  INPUT_OBJECT
  "Indicates this type is a list. ~ofType~ is a valid field."
  LIST
  "Indicates this type is a non-null. ~ofType~ is a valid field."
  NON_NULL
}

"""Object and Interface types are described by a list of Fields, each of which has a name,
potentially a list of arguments, and a return type."""
type __Field {
  name: String!
  description: String
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  type: __Type!
  isDeprecated: Boolean!
  deprecationReason: String
}

"""Arguments provided to Fields or Directives and the input fields of an InputObject are
represented as Input Values which describe their type and optionally a default value."""
type __InputValue {
  name: String!
  description: String
  type: __Type!
  "A GraphQL-formatted string representing the default value for this input value."
  defaultValue: String
  isDeprecated: Boolean!
  deprecationReason: String
}

"""One possible value for a given Enum. Enum values are unique values, not a placeholder for a
string or numeric value. However an Enum value is returned in a JSON response as a string."""
type __EnumValue {
  name: String!
  description: String
  isDeprecated: Boolean!
  deprecationReason: String
}

"""A Directive provides a way to describe alternate runtime execution and type validation behavior
in a GraphQL document.

In some cases, you need to provide options to alter GraphQL's execution behavior in ways field
arguments will not suffice, such as conditionally including or skipping a field. Directives
provide this by describing additional information to the executor."""
type __Directive {
  name: String!
  description: String
  isRepeatable: Boolean!
  locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  isDeprecated: Boolean!
  deprecationReason: String
}

"""A Directive can be adjacent to many parts of the GraphQL language, a __DirectiveLocation
describes one such possible adjacencies."""
enum __DirectiveLocation {
  "Location adjacent to a query operation."
  QUERY
  "Location adjacent to a mutation operation."
  MUTATION
  "Location adjacent to a subscription operation."
  SUBSCRIPTION
  "Location adjacent to a field."
  FIELD
  "Location adjacent to a fragment definition."
  FRAGMENT_DEFINITION
  "Location adjacent to a fragment spread."
  FRAGMENT_SPREAD
  "Location adjacent to an inline fragment."
  INLINE_FRAGMENT
  "Location adjacent to a variable definition."
  VARIABLE_DEFINITION
  "Location adjacent to a schema definition."
  SCHEMA
  "Location adjacent to a scalar definition."
  SCALAR
  "Location adjacent to an object type definition."
  OBJECT
  "Location adjacent to a field definition."
  FIELD_DEFINITION
  "Location adjacent to an argument definition."
  ARGUMENT_DEFINITION
  "Location adjacent to an interface definition."
  INTERFACE
  "Location adjacent to a union definition."
  UNION
  "Location adjacent to an enum definition."
  ENUM
  "Location adjacent to an enum value definition."
  ENUM_VALUE
  "Location adjacent to an input object type definition."
  INPUT_OBJECT
  "Location adjacent to an input object field definition."
  INPUT_FIELD_DEFINITION
  "Location adjacent to a directive definition."
  DIRECTIVE_DEFINITION
}
`
