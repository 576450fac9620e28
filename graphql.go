// graphql.go is a GraphQL engine: the text of a request goes in, a reply in JSON
// comes out. It knows nothing of users, tokens or HTTP.
//
//	{ me { id } }  →  parse  →  validate  →  execute  →  {"data":{"me":{"id":1}}}
//
// It follows the GraphQL specification of September 2025, chapter by chapter,
// and its names are the specification's. It accepts and refuses what graphql-js
// 16 does, with the same data. A schema is text in the specification's own
// language, read by the same parser into the same syntax tree.
//
// Left out are subscriptions, and all types but objects, enums, Int, String and
// Boolean. Arguments are scalars, so a list or an object in a request is always an
// error.

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A request of 100 KiB can spread one fragment a thousand times, and that fragment
// can spread another a thousand times. Three budgets keep such a request cheap:
//
//   - maxSelections counts a fragment at each spread. So it bounds validation, and
//     the fields that are collected.
//   - maxReply bounds execution: every field that is executed writes its key. The
//     document can't tell how often, because lists multiply fields.
//   - maxErrors and maxShown bound the errors. It can take longer to write an error
//     than to find it, so a message is made only if there is room for it.
const (
	maxDepth          = 200     // nesting of selection sets, values and types
	maxSelections     = 10_000  // with their arguments and directives
	maxMutationFields = 10      // run by one operation
	maxReply          = 1 << 20 // bytes
	maxErrors         = 100     // listed in a reply
	maxShown          = 200     // bytes of a name or a value in an error
)

// A resolver returns the value of a field of Query or Mutation. Its arguments are
// those that the request supplies or the schema defaults, each an int, a string,
// a bool or nil. It returns the same for a scalar, a string for an enum, an []any
// for a list, an object for an object type, and nil for null.
type resolver func(ctx context.Context, args map[string]any) (any, error)

// An object holds the values of the fields of an object type.
type object = map[string]any

// prepare parses and validates a document, and finds its operation of that name; nil
// stands for the only one. If it can't, the refusal is the reply to send.
func (s *schema) prepare(query string, operationName *string) (op operation, refusal []byte) {
	doc, err := parse(query, false)
	if err != nil {
		return operation{}, err.refusal()
	}
	if errs := s.validate(doc); errs != nil {
		return operation{}, response(errs, nil)
	}
	def, err := doc.getOperation(operationName)
	if err == nil && s.rootType(def.kind) == nil {
		err = &gqlError{Locations: doc.locate(def.position), Message: fmt.Sprintf(
			"Schema is not configured to execute %s operation.", def.kind)}
	}
	if err != nil {
		return operation{}, err.refusal()
	}
	return operation{s, doc, def}, nil
}

// getOperation is GetOperation (§6.1).
func (doc *document) getOperation(name *string) (*node, *gqlError) {
	if name == nil && len(doc.operations) > 1 {
		return nil, &gqlError{
			Message: "Must provide operation name if query contains multiple operations."}
	}
	for _, op := range doc.operations {
		if name == nil || *name == op.name && *name != "" {
			return op, nil
		}
	}
	// Name is not nil: a document without operations did not pass §5.5.1.4.
	return nil, &gqlError{Message: sentence(`Unknown operation named "%s".`, *name)}
}

// -----------------------------------------------------------------------------
// 2 Language: the syntax tree
// -----------------------------------------------------------------------------

// A document (§2.3) is the text of a request or of a schema, and what it defines.
type document struct {
	source     string
	operations []*node
	fragments  []*node
	types      []*node    // of a schema
	directives []*node    // of a schema
	locations  []location // of each byte; filled in at the first error
}

// A node is any piece of a document. The grammar above each method of the parser
// says which parts a node has. Positions are offsets in bytes.
type node struct {
	kind         string // "query", "fragment", "FIELD", "Variable", "Int", "OBJECT", …
	position     int
	name         string // of a literal, its text; of a string, what it stands for
	namePosition int
	responseName string // of a field: its alias, or else its name
	typ          *node  // also the condition of a fragment, the items of a list type
	nonNull      bool   // of a type
	value        *node  // of an argument, or a default
	args         []*node
	directives   []*node
	set          []*node // selections, or what a type consists of
	setPosition  int

	// def is the definition that the name refers to: of a field, a fragment, a directive
	// or a type. Validation fills it in.
	def *node

	*definition // of an operation, a fragment, a type or an element of one
}

// A definition is what a node has besides, if it defines something.
type definition struct {
	size        int     // selections, later those of fragments included
	spreads     []*node // of fragments
	usages      []usage // of variables
	isMeasured  bool
	isOnPath    bool
	pathLength  int       // of the spreads that lead to it
	usedBy      *node     // of a fragment, the last operation found to use it
	collectedBy *fieldMap // of a fragment, the last that took in its fields

	// In a schema alone.
	description any      // a string, or nil
	parent      *node    // of a field
	resolve     resolver // of a field of Query or Mutation
	record      object   // of a type, for introspection
	isOwn       bool     // a type that is not the specification's
}

func find(nodes []*node, name string) *node {
	for _, n := range nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// String writes a value or a type as it stands in a document.
func (n *node) String() string {
	switch {
	case n.nonNull:
		nullable := *n
		nullable.nonNull = false
		return nullable.String() + "!"
	case n.kind == "ListType":
		return "[" + n.typ.String() + "]"
	case n.kind == "String":
		return separators.Replace(string(appendString(nil, n.name)))
	case n.kind == "BlockString":
		return `"""` + n.name + `"""`
	}
	return shorten(n.name)
}

// separators puts back U+2028 and U+2029, which encoding/json escapes and graphql-js does
// not. The first pair keeps a backslash that stood before the letters u2028.
var separators = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029")

// innermost returns the named type inside of all lists.
func (n *node) innermost() *node {
	for n.kind == "ListType" {
		n = n.typ
	}
	return n
}

// A location is a line and a column, both from 1. Columns are UTF-16 code units, as
// in graphql-js.
type location struct {
	Line   int32 `json:"line"`
	Column int32 `json:"column"`
}

func (doc *document) locate(positions ...int) (locations []location) {
	if doc.locations == nil {
		doc.locations = make([]location, len(doc.source)+1)
		at := location{1, 1}
		for i, r := range doc.source {
			doc.locations[i] = at
			at.Column += int32(utf16.RuneLen(r))
			if r == '\n' || r == '\r' && !strings.HasPrefix(doc.source[i:], "\r\n") {
				at = location{at.Line + 1, 1}
			}
		}
		doc.locations[len(doc.source)] = at
	}
	for _, position := range positions {
		locations = append(locations, doc.locations[position])
	}
	return locations
}

// -----------------------------------------------------------------------------
// 2 Language: the parser
// -----------------------------------------------------------------------------

// A parser has a method for each production of the grammar, which stands above
// it. There is no lexer: a method begins at the first character of its production,
// and ends after it and the ignored characters behind it. At a syntax error it
// panics with a *gqlError.
type parser struct {
	*document
	position   int
	depth      int
	selections int  // with their arguments and directives
	isConst    bool // no variables here: Value[Const]
	isSchema   bool // the text is a schema, not a request
}

// Document: Definition+
func parse(source string, isSchema bool) (doc *document, err *gqlError) {
	defer func() {
		var isOurs bool
		if e := recover(); e == nil {
		} else if err, isOurs = e.(*gqlError); !isOurs {
			panic(e)
		}
	}()
	p := &parser{document: &document{source: source}, isSchema: isSchema}
	p.skipIgnored()
	p.parseDefinition()
	for !p.atEnd() {
		p.parseDefinition()
	}
	return p.document, nil
}

// Definition: Description? ( OperationDefinition | FragmentDefinition )
func (p *parser) parseDefinition() {
	def := &node{position: p.position, definition: &definition{}}
	before := p.selections
	def.description = p.parseDescription()
	keyword := p.peekName()
	switch isTypeSystem := strings.Contains(typeSystemKeywords, " "+keyword+" "); {
	case p.peek() == '{' && def.description != nil:
		p.fail(def.position,
			"Unexpected description, descriptions are not supported on shorthand queries.")
	case p.peek() == '{', keyword == "query", keyword == "mutation", keyword == "subscription":
		p.parseOperation(def)
	case keyword == "fragment":
		p.parseFragment(def)
	case isTypeSystem && p.isSchema:
		p.parseTypeSystemDefinition(def)
	case keyword != "" && def.description != nil && !isTypeSystem:
		p.fail(def.position,
			"Unexpected description, only GraphQL definitions support descriptions.")
	default:
		p.unexpected()
	}
	def.size = p.selections - before
}

// OperationDefinition: SelectionSet |
// OperationType Name? VariablesDefinition? Directives? SelectionSet
func (p *parser) parseOperation(op *node) {
	op.kind = "query"
	if p.peek() != '{' {
		op.kind = p.parseName()
		if p.peekName() != "" {
			p.parseNameOf(op)
		}
		op.args = p.parseList("(", p.parseVariableDefinition, ")")
		op.directives = p.parseDirectives()
	}
	op.set = p.parseSelectionSet()
	p.operations = append(p.operations, op)
}

// FragmentDefinition: fragment FragmentName TypeCondition Directives? SelectionSet
func (p *parser) parseFragment(fragment *node) {
	fragment.kind = p.parseName()
	if p.peekName() == "on" { // FragmentName: Name but not on
		p.unexpected()
	}
	p.parseNameOf(fragment)
	fragment.typ = p.parseTypeCondition()
	fragment.directives = p.parseDirectives()
	fragment.set = p.parseSelectionSet()
	p.fragments = append(p.fragments, fragment)
}

// TypeCondition: on NamedType
func (p *parser) parseTypeCondition() *node {
	if p.peekName() != "on" {
		p.expected(`"on"`)
	}
	p.parseName()
	return p.parseNameOf(&node{position: p.position})
}

// VariableDefinition: Description? Variable : Type DefaultValue? Directives[Const]?
func (p *parser) parseVariableDefinition() *node {
	def := &node{position: p.position}
	p.parseDescription()
	p.expect("$")
	p.parseNameOf(def)
	p.expect(":")
	def.typ = p.parseType()
	p.isConst = true
	if p.skip("=") { // DefaultValue: = Value[Const]
		def.value = p.parseValue()
	}
	def.directives = p.parseDirectives()
	p.isConst = false
	return def
}

// SelectionSet: { Selection+ }
func (p *parser) parseSelectionSet() []*node {
	if p.peek() != '{' {
		p.expected(`"{"`)
	}
	p.descend()
	set := p.parseList("{", p.parseSelection, "}")
	p.depth--
	return set
}

// Selection: Field | FragmentSpread | InlineFragment
// FragmentSpread: ... FragmentName Directives?
// InlineFragment: ... TypeCondition? Directives? SelectionSet
func (p *parser) parseSelection() *node {
	s := p.newCounted("INLINE_FRAGMENT")
	if !p.skip("...") {
		return p.parseField(s)
	}
	switch p.peekName() {
	case "":
	case "on":
		s.typ = p.parseTypeCondition()
	default:
		s.kind = "FRAGMENT_SPREAD"
		p.parseNameOf(s)
	}
	s.directives = p.parseDirectives()
	if s.kind == "INLINE_FRAGMENT" {
		s.set = p.parseSelectionSet()
	}
	return s
}

// Field: Alias? Name Arguments? Directives? SelectionSet?
func (p *parser) parseField(f *node) *node {
	f.kind = "FIELD"
	f.responseName = p.parseNameOf(f).name
	if p.skip(":") {
		p.parseNameOf(f)
	}
	f.args = p.parseList("(", p.parseArgument, ")")
	f.directives = p.parseDirectives()
	if f.setPosition = p.position; p.peek() == '{' {
		f.set = p.parseSelectionSet()
	}
	return f
}

// Argument: Name : Value
func (p *parser) parseArgument() *node {
	arg := p.newCounted("")
	p.parseNameOf(arg)
	p.expect(":")
	arg.value = p.parseValue()
	return arg
}

// Directives: Directive+
// Directive: @ Name Arguments?
func (p *parser) parseDirectives() (directives []*node) {
	for p.peek() == '@' {
		d := p.newCounted("")
		p.expect("@")
		p.parseNameOf(d)
		d.args = p.parseList("(", p.parseArgument, ")")
		directives = append(directives, d)
	}
	return directives
}

// Value: Variable | IntValue | FloatValue | StringValue | BooleanValue |
// NullValue | EnumValue | ListValue | ObjectValue
func (p *parser) parseValue() *node {
	v := &node{position: p.position}
	switch c := p.peek(); {
	case c == '$':
		p.parseVariable(v)
	case isDigit(c) || c == '-':
		v.kind, v.name = p.parseNumber()
	case strings.HasPrefix(p.rest(), `"""`):
		v.kind, v.name = "BlockString", p.parseBlockString()
	case c == '"':
		v.kind, v.name = "String", p.parseString()
	case c == '[': // ListValue: [ Value* ]
		p.skipItems(v, "List", ']', p.parseValue)
	case c == '{': // ObjectValue: { ( Name : Value )* }
		p.skipItems(v, "Object", '}', p.parseArgument)
	case p.peekName() == "":
		p.unexpected()
	default: // BooleanValue: true | false; NullValue: null; EnumValue: any other Name
		v.name = p.parseName()
		v.kind = cmp.Or(kindOfName[v.name], "Enum")
	}
	return v
}

var kindOfName = map[string]string{"true": "Boolean", "false": "Boolean", "null": "Null"}

// Variable: $ Name
func (p *parser) parseVariable(v *node) {
	v.kind = "Variable"
	p.expect("$")
	name := p.peekName()
	switch {
	case p.isConst && name != "":
		p.fail(v.position, `Unexpected variable "$%s" in constant value.`, name)
	case p.isConst:
		p.fail(v.position, `Unexpected "$".`)
	}
	v.name = p.parseName()
}

// skipItems parses a list or an object, but keeps only its text.
func (p *parser) skipItems(v *node, kind string, close byte, item func() *node) {
	p.descend()
	p.position++
	for p.skipIgnored(); p.peek() != close; {
		item()
	}
	p.depth--
	p.position++
	v.kind, v.name = kind, p.source[v.position:p.position]
	p.skipIgnored()
}

// Type: NamedType | [ Type ] | Type !
func (p *parser) parseType() *node {
	t := &node{position: p.position}
	if p.skip("[") {
		p.descend()
		t.kind, t.typ = "ListType", p.parseType()
		p.depth--
		p.expect("]")
	} else {
		p.parseNameOf(t)
	}
	t.nonNull = p.skip("!")
	return t
}

// Description: StringValue; nil where there is none.
func (p *parser) parseDescription() any {
	if p.peek() != '"' {
		return nil
	}
	return p.parseValue().name
}

// numberPrefix matches the longest beginning of a number.
var numberPrefix = regexp.MustCompile(`^-?(?:(?:0|[1-9][0-9]*)` +
	`(?:\.(?:[0-9]+(?:[eE][+-]?[0-9]*)?)?|[eE][+-]?[0-9]*)?)?`)

// IntValue | FloatValue (§2.10.1, §2.10.2)
func (p *parser) parseNumber() (kind, text string) {
	text = numberPrefix.FindString(p.rest())
	p.position += len(text)
	next := p.peek()
	switch isWhole := isDigit(text[len(text)-1]); {
	case isWhole && isDigit(next):
		p.fail(p.position, "Invalid number, unexpected digit after 0: %s.", p.character())
	case !isWhole, next == '.', isNameStart(next):
		p.fail(p.position, "Invalid number, expected digit but got: %s.", p.character())
	}
	p.skipIgnored()
	if strings.ContainsAny(text, ".eE") {
		return "Float", text
	}
	return "Int", text
}

// StringValue: " StringCharacter* " (§2.10.4)
func (p *parser) parseString() string {
	var text strings.Builder
	for p.position++; p.peek() != '"'; {
		plain := p.rest()
		if end := strings.IndexAny(plain, "\"\\\n\r"); end >= 0 {
			plain = plain[:end]
		}
		text.WriteString(plain)
		switch p.position += len(plain); p.peek() {
		case '"':
		case '\\':
			text.WriteString(p.parseEscape())
		default:
			p.fail(p.position, "Unterminated string.")
		}
	}
	p.skip(`"`)
	return text.String()
}

// An escape is \n or its like, \u{1F600}, \u00e9, or the surrogates \ud83d\ude00.
var (
	escape = regexp.MustCompile(`^\\(?:(["\\/bfnrt])|u\{([0-9A-Fa-f]{1,8})}` +
		`|u([0-9A-Fa-f]{4})(?:\\u([0-9A-Fa-f]{4}))?)`)
	brokenEscape = regexp.MustCompile(`(?s)^\\(?:u\{[0-9A-Fa-f]{0,8}.?|u.{0,4}|.?)`)
)

// EscapedCharacter | EscapedUnicode (§2.10.4)
func (p *parser) parseEscape() string {
	m := escape.FindStringSubmatch(p.rest())
	if m == nil {
		p.failEscape(brokenEscape.FindString(p.rest()))
	}
	if m[1] != "" {
		p.position += len(m[0])
		return "\"\\/\b\f\n\r\t"[strings.Index(`"\/bfnrt`, m[1]):][:1]
	}
	code, _ := strconv.ParseUint(m[2]+m[3], 16, 32) // one of them is empty
	low, _ := strconv.ParseUint(m[4], 16, 32)
	if pair := utf16.DecodeRune(rune(code), rune(low)); pair != utf8.RuneError {
		code = uint64(pair)
	} else if m[4] != "" {
		m[0] = m[0][:len(`\u0000`)] // The second escape is one of its own.
	}
	if code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
		p.failEscape(m[0])
	}
	p.position += len(m[0])
	return string(rune(code))
}

func (p *parser) failEscape(text string) {
	kind := "character"
	if strings.HasPrefix(text, `\u`) {
		kind = "Unicode"
	}
	p.fail(p.position, `Invalid %s escape sequence: "%s".`, kind, text)
}

// StringValue: """ BlockStringCharacter* """ (§2.10.4)
func (p *parser) parseBlockString() string {
	start := p.position + 3
	for p.position = start; !strings.HasPrefix(p.rest(), `"""`); p.position++ {
		if p.atEnd() {
			p.fail(p.position, "Unterminated string.")
		}
		if strings.HasPrefix(p.rest(), `\"""`) {
			p.position += 3
		}
	}
	raw := rawBlockString.Replace(p.source[start:p.position])
	p.skip(`"""`)
	return blockStringValue(strings.Split(raw, "\n"))
}

var rawBlockString = strings.NewReplacer("\r\n", "\n", "\r", "\n", `\"""`, `"""`)

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

// parseList reads open item+ close, or nothing.
func (p *parser) parseList(open string, item func() *node, close string) (items []*node) {
	if !p.skip(open) {
		return nil
	}
	for items = append(items, item()); !p.skip(close); {
		items = append(items, item())
	}
	return items
}

// Name: NameStart NameContinue* (§2.1.8)
func (p *parser) parseName() string {
	name := p.peekName()
	if name == "" {
		p.expected("Name")
	}
	p.position += len(name)
	p.skipIgnored()
	return name
}

func (p *parser) parseNameOf(n *node) *node {
	n.namePosition = p.position
	n.name = p.parseName()
	return n
}

// peekName returns the name that begins here, "" if none does.
func (p *parser) peekName() string {
	end := p.position
	if isDigit(p.peek()) {
		return ""
	}
	for end < len(p.source) && (isNameStart(p.source[end]) || isDigit(p.source[end])) {
		end++
	}
	return p.source[p.position:end]
}

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isNameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func (p *parser) atEnd() bool  { return p.position == len(p.source) }
func (p *parser) rest() string { return p.source[p.position:] }

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.atEnd() {
		return 0
	}
	return p.source[p.position]
}

// skip moves past a punctuator (§2.1.7), if it stands here.
func (p *parser) skip(punctuator string) bool {
	if !strings.HasPrefix(p.rest(), punctuator) {
		return false
	}
	p.position += len(punctuator)
	p.skipIgnored()
	return true
}

func (p *parser) expect(punctuator string) {
	if !p.skip(punctuator) {
		p.expected(`"` + punctuator + `"`)
	}
}

// skipIgnored moves past what is between tokens (§2.1.6).
func (p *parser) skipIgnored() {
	for {
		switch c := p.peek(); {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',':
			p.position++
		case c == '#':
			for !p.atEnd() && p.peek() != '\n' && p.peek() != '\r' {
				p.position++
			}
		case c == "\uFEFF"[0] && strings.HasPrefix(p.rest(), "\uFEFF"):
			p.position += len("\uFEFF")
		default:
			return
		}
	}
}

// descend counts one level of nesting, so that the recursion of the parser is bounded.
func (p *parser) descend() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.position, "Nested more than %d levels deep.", maxDepth)
	}
}

// newCounted makes a node that counts towards maxSelections.
func (p *parser) newCounted(kind string) *node {
	if p.selections++; p.selections > maxSelections {
		panic(&gqlError{Message: tooManyFields})
	}
	return &node{kind: kind, position: p.position}
}

func (p *parser) expected(what string) {
	start := p.position
	p.fail(start, "Expected %s, found %s.", what, p.found())
}

func (p *parser) unexpected() {
	start := p.position
	p.fail(start, "Unexpected %s.", p.found())
}

// found describes the next token, for an error.
func (p *parser) found() string {
	switch c := p.peek(); {
	case p.atEnd():
		return "<EOF>"
	case isNameStart(c):
		return `Name "` + p.peekName() + `"`
	case isDigit(c) || c == '-' || c == '"':
		v := p.parseValue()
		return v.kind + ` "` + v.name + `"`
	case strings.HasPrefix(p.rest(), "..."):
		return `"..."`
	case c == '\'':
		p.fail(p.position, "Unexpected single quote character ('), "+
			`did you mean to use a double quote (")?`)
	case strings.IndexByte("!$&():=@[]{|}", c) < 0:
		p.fail(p.position, "Unexpected character: %s.", p.character())
	}
	return p.character()
}

// character describes the next character, for an error.
func (p *parser) character() string {
	r, _ := utf8.DecodeRuneInString(p.rest())
	switch {
	case p.atEnd():
		return "<EOF>"
	case r == '"':
		return `'"'`
	case r >= ' ' && r <= '~':
		return `"` + string(r) + `"`
	}
	return fmt.Sprintf("U+%04X", r)
}

// fail ends the parse with an error at a position.
func (p *parser) fail(position int, format string, args ...any) {
	message := "Syntax Error: " + sentence(format, args...)
	panic(&gqlError{Message: message, Locations: p.locate(position)})
}

// -----------------------------------------------------------------------------
// 3 Type System
// -----------------------------------------------------------------------------

// A schema is what its text and the specification's own definitions say. Its types
// are objects, scalars and enums (§3.6, §3.5, §3.9).
type schema struct {
	types      []*node // in the order in which introspection lists them
	typeNamed  map[string]*node
	directives []*node
	metaFields []*node // __schema, __type and __typename
}

const typeSystemKeywords = " type enum scalar directive schema interface union input "

// TypeDefinition: type Name { Element+ } | enum Name { Element+ } | scalar Name |
// directive @ Element on Name ( | Name )*
func (p *parser) parseTypeSystemDefinition(def *node) {
	keyword := p.parseName()
	def.kind = map[string]string{"type": "OBJECT", "enum": "ENUM", "scalar": "SCALAR"}[keyword]
	if keyword == "directive" {
		p.expect("@")
		directive := p.parseElement()
		directive.set = []*node{p.parseTypeCondition()}
		for p.skip("|") {
			directive.set = append(directive.set, p.parseNameOf(&node{}))
		}
		p.directives = append(p.directives, directive)
		return
	}
	if p.peekName() != "" || def.kind != "" {
		p.parseNameOf(def)
	}
	if def.kind == "" || p.peekName() == "implements" {
		panic(&gqlError{Message: strings.TrimSpace(keyword+" "+def.name) +
			" can't be served: only types and enums can, and no interfaces"})
	}
	if def.kind != "SCALAR" {
		def.set = p.parseList("{", p.parseElement, "}")
	}
	p.types = append(p.types, def)
}

// Element: Description? Name ( ( Element+ ) )? ( : Type DefaultValue? )?
func (p *parser) parseElement() *node {
	e := &node{definition: &definition{description: p.parseDescription()}}
	p.parseNameOf(e)
	e.args = p.parseList("(", p.parseElement, ")")
	if p.skip(":") {
		e.typ = p.parseType()
	}
	if p.skip("=") {
		e.value = p.parseValue()
	}
	return e
}

// newSchema makes a schema of its text and of the resolvers of the fields of Query
// and Mutation, named "Query.me". The error says what it can't serve.
func newSchema(typeDefs string, resolvers map[string]resolver) (*schema, error) {
	own, err := parse(typeDefs, true)
	if err != nil {
		return nil, fmt.Errorf("schema: %s", err.inLine())
	}
	builtin, _ := parse(builtinDefs, true)
	s := &schema{typeNamed: map[string]*node{}, directives: builtin.directives}
	for _, t := range slices.Concat(own.types, builtin.types) {
		s.typeNamed[t.name] = t
	}
	s.metaFields = s.typeNamed["__Meta"].set
	delete(s.typeNamed, "__Meta")
	if problem := s.check(own, resolvers); problem != "" {
		return nil, errors.New("schema: " + problem)
	}
	for _, t := range own.types {
		t.isOwn = true
	}
	for _, t := range own.types {
		s.link(t)
	}
	s.linkElements(s.directives)
	s.linkElements(s.metaFields)
	s.introspect()
	return s, nil
}

// check returns why a schema can't be served. It also gives the resolvers to their fields.
func (s *schema) check(own *document, resolvers map[string]resolver) (problem string) {
	refuse := func(isWrong bool, format string, args ...any) {
		if isWrong && problem == "" {
			problem = fmt.Sprintf(format, args...)
		}
	}
	isOther := len(own.operations)+len(own.fragments)+len(own.directives) > 0
	refuse(isOther, "it can have types and enums, and nothing else")
	refuse(s.typeNamed["Query"] == nil, "there is no type Query")
	for _, t := range own.types {
		refuse(s.typeNamed[t.name] != t || t.kind == "SCALAR",
			"%s is defined twice, or a scalar other than Int, String and Boolean", t.name)
		refuse(t.set == nil, "%s has no fields", t.name)
		refuse(s.isRoot(t) && t.kind != "OBJECT", "%s must be a type", t.name)
		for i, e := range t.set {
			place := t.name + "." + e.name
			isField := t.kind == "OBJECT"
			refuse(find(t.set[:i], e.name) != nil, "%s is defined twice", place)
			refuse(isField != (e.typ != nil),
				"%s: a field has a type, a value of an enum has none", place)
			refuse(e.typ != nil && s.typeNamed[e.typ.innermost().name] == nil,
				"%s is of type %s, which is not defined", place, e.typ)
			e.resolve = resolvers[place]
			refuse(s.isRoot(t) && e.resolve == nil, "%s has no resolver", place)
			for j, arg := range e.args {
				isTwice, wrong := find(e.args[:j], arg.name) != nil, checkArgument(arg)
				refuse(isTwice, "%s(%s:) is defined twice", place, arg.name)
				refuse(wrong != "", "%s(%s:): %s", place, arg.name, wrong)
			}
		}
	}
	for place := range resolvers {
		typeName, fieldName, _ := strings.Cut(place, ".")
		t := s.typeNamed[typeName]
		refuse(t == nil || !s.isRoot(t) || find(t.set, fieldName) == nil,
			"there is a resolver for %s, which is no field of Query or Mutation", place)
	}
	return problem
}

func checkArgument(arg *node) (problem string) {
	switch {
	case arg.typ == nil || cannotRepresent[arg.typ.name] == "":
		return "an argument must be an Int, a String or a Boolean"
	case arg.value != nil:
		_, problem = coerceLiteral(arg.value, arg.typ)
	}
	return problem
}

// link lists a type and, after it, those of the specification that it leads to. That is
// graphql-js's order: a schema's own types stand as they are defined.
func (s *schema) link(t *node) {
	if !slices.Contains(s.types, t) {
		s.types = append(s.types, t)
		for _, e := range t.set {
			e.parent = t
		}
		s.linkElements(t.set)
	}
}

func (s *schema) linkElements(elements []*node) {
	for _, e := range elements {
		if e.typ != nil {
			t := e.typ.innermost()
			t.def = s.typeNamed[t.name]
			if !t.def.isOwn {
				s.link(t.def)
			}
		}
		s.linkElements(e.args)
	}
}

// rootType returns the type of the root of an operation, or nil (§3.3.1).
func (s *schema) rootType(operationKind string) *node {
	return s.typeNamed[map[string]string{"query": "Query", "mutation": "Mutation"}[operationKind]]
}

func (s *schema) isRoot(t *node) bool {
	return t == s.typeNamed["Query"] || t == s.typeNamed["Mutation"]
}

// field returns a field of an object type, or nil. All have __typename (§4.1);
// the root of queries has __schema and __type (§4.2).
func (s *schema) field(t *node, name string) *node {
	if name == "__typename" || strings.HasPrefix(name, "__") && t == s.typeNamed["Query"] {
		return find(s.metaFields, name)
	}
	return find(t.set, name)
}

// cannotRepresent begins the message about a value that is not of the scalar type.
var cannotRepresent = map[string]string{
	"Int":     "Int cannot represent non-integer value: ",
	"String":  "String cannot represent a non string value: ",
	"Boolean": "Boolean cannot represent a non boolean value: ",
}

// coerceLiteral returns the value of a literal of a scalar type (§3.5), or what is
// wrong with it.
func coerceLiteral(v, t *node) (result any, problem string) {
	switch {
	case v.kind == "Null" && t.nonNull:
		return nil, sentence(`Expected value of type "%s", found null.`, t)
	case v.kind == "Null":
		return nil, ""
	case t.name == "Boolean" && v.kind == "Boolean":
		return v.name == "true", ""
	case t.name == "String" && (v.kind == "String" || v.kind == "BlockString"):
		return v.name, ""
	case t.name == "Int" && v.kind == "Int":
		n, err := strconv.ParseInt(v.name, 10, 32)
		if err != nil {
			return nil, sentence("Int cannot represent non 32-bit signed integer value: %s", v)
		}
		return int(n), ""
	}
	return nil, cannotRepresent[t.name] + shorten(v.String())
}

// literal turns the JSON of a variable into a literal, for coerceLiteral.
func literal(input json.RawMessage) *node {
	var decoded any
	err := json.Unmarshal(input, &decoded)
	switch v := decoded.(type) {
	case string:
		return &node{kind: "String", name: v}
	case bool:
		return &node{kind: "Boolean", name: strconv.FormatBool(v)}
	case float64:
		text, _ := json.Marshal(v) // 1e2 is 100
		kind := "Float"
		if v == math.Trunc(v) {
			kind = "Int"
		}
		return &node{kind: kind, name: string(text)}
	case nil:
		if err == nil { // else it is a number too large for Go
			return &node{kind: "Null", name: "null"}
		}
	}
	return &node{kind: "Object", name: string(input)}
}

// -----------------------------------------------------------------------------
// 4 Introspection
// -----------------------------------------------------------------------------

// introspect makes the values of __schema and __type. They refer to each other as the
// types do.
func (s *schema) introspect() {
	types := []any{}
	for _, t := range s.types {
		t.record = object{"kind": t.kind, "name": t.name, "description": t.description}
		types = append(types, t.record)
	}
	for _, t := range s.types {
		switch t.kind {
		case "OBJECT":
			t.record["fields"], t.record["interfaces"] = records(t.set), []any{}
		case "ENUM":
			t.record["enumValues"] = records(t.set)
		}
	}
	root := object{"types": types, "directives": records(s.directives),
		"queryType": s.typeNamed["Query"].record}
	if mutation := s.typeNamed["Mutation"]; mutation != nil {
		root["mutationType"] = mutation.record
	}
	resolveSchema := func(context.Context, map[string]any) (any, error) { return root, nil }
	resolveType := func(_ context.Context, args map[string]any) (any, error) {
		if t := s.typeNamed[args["name"].(string)]; t != nil && t.record != nil {
			return t.record, nil
		}
		return nil, nil
	}
	find(s.metaFields, "__schema").resolve = resolveSchema
	find(s.metaFields, "__type").resolve = resolveType
}

// records makes objects of __Field, __InputValue, __EnumValue or __Directive (§4.2.3
// to §4.2.6). What is not set is null.
func records(elements []*node) []any {
	list := []any{}
	for _, e := range elements {
		record := object{"name": e.name, "description": e.description,
			"args": records(e.args), "isDeprecated": false, "isRepeatable": false}
		if e.typ != nil {
			record["type"] = e.typ.typeRecord()
		}
		if e.value != nil {
			record["defaultValue"] = e.value.String()
		}
		locations := []any{}
		for _, location := range e.set {
			locations = append(locations, location.name)
		}
		record["locations"] = locations
		list = append(list, record)
	}
	return list
}

// typeRecord is the __Type object (§4.2.2) of a reference to a type.
func (t *node) typeRecord() object {
	record := t.innermost().def.record
	if t.kind == "ListType" {
		record = object{"kind": "LIST", "ofType": t.typ.typeRecord()}
	}
	if t.nonNull {
		record = object{"kind": "NON_NULL", "ofType": record}
	}
	return record
}

// -----------------------------------------------------------------------------
// 5 Validation
// -----------------------------------------------------------------------------

// A validator applies the rules in stages. A stage relies on the stages before it, so
// it runs only if they found no error.
type validator struct {
	*schema
	*document
	operations    []*node // those that the schema has a root for
	fragmentNamed map[string]*node
	current       *node // the definition that is walked
	errors        []gqlError
}

// validate returns the errors of a document.
func (s *schema) validate(doc *document) []gqlError {
	v := &validator{schema: s, document: doc}
	for _, op := range doc.operations {
		if s.rootType(op.kind) != nil {
			v.operations = append(v.operations, op)
		}
	}
	for _, stage := range []func(*validator){(*validator).walkDefinitions,
		(*validator).followSpreads, (*validator).checkUsage, (*validator).mergeFields} {
		if stage(v); v.errors != nil {
			break
		}
	}
	return v.errors
}

func (v *validator) report(at []int, format string, args ...any) {
	if len(v.errors) < maxErrors {
		v.add(at, sentence(format, args...))
	}
}

func (v *validator) add(at []int, message string) {
	if len(v.errors) < maxErrors {
		v.errors = append(v.errors, gqlError{Message: message, Locations: v.locate(at...)})
	}
}

func at(positions ...int) []int { return positions }

// walkDefinitions walks each operation and fragment, without following spreads.
func (v *validator) walkDefinitions() {
	v.uniqueNames("operation", "", v.document.operations)
	v.uniqueNames("fragment", "", v.fragments)
	if v.fragments != nil {
		v.fragmentNamed = make(map[string]*node, len(v.fragments))
	}
	for _, fragment := range v.fragments {
		v.fragmentNamed[fragment.name] = fragment
	}
	for _, op := range v.operations {
		v.current = op
		v.walkOperation(op)
	}
	for _, fragment := range v.fragments {
		v.current = fragment
		v.walkDirectives(fragment.directives, "FRAGMENT_DEFINITION")
		t := v.walkTypeCondition(fragment.typ, "Fragment "+quote(fragment.name))
		if t != nil {
			v.walkSelectionSet(t, fragment.set)
		}
	}
}

// uniqueNames reports names that stand twice (§5.2.2.1, §5.4.2, §5.5.1.1, §5.8.1):
// nobody could tell which is meant.
func (v *validator) uniqueNames(kind, prefix string, nodes []*node) {
	if len(nodes) < 2 {
		return
	}
	places := make(map[string][]int, len(nodes))
	for _, n := range nodes {
		places[n.name] = append(places[n.name], n.namePosition)
	}
	for _, n := range nodes {
		if len(places[n.name]) > 1 && n.name != "" {
			v.report(places[n.name], "There can be only one %s named %q.", kind, prefix+n.name)
			delete(places, n.name)
		}
	}
}

func (v *validator) walkOperation(op *node) {
	if op.name == "" && len(v.document.operations) > 1 { // §5.2.3.1
		v.report(at(op.position), "This anonymous operation must be the only defined operation.")
	}
	v.uniqueNames("variable", "$", op.args)
	for _, variable := range op.args {
		v.walkVariable(variable)
	}
	v.walkDirectives(op.directives, strings.ToUpper(op.kind))
	v.walkSelectionSet(v.rootType(op.kind), op.set)
}

// walkVariable: the type is an input type (§5.8.2), and the default is a value of it
// (§5.6.1).
func (v *validator) walkVariable(def *node) {
	t := def.typ.innermost()
	switch t.def = v.typeNamed[t.name]; {
	case t.def == nil: // §5.5.1.2
		v.report(at(t.position), "Unknown type %q.", t.name)
	case t.def.kind == "OBJECT":
		v.report(at(def.typ.position), `Variable "$%s" cannot be non-input type "%s".`,
			def.name, def.typ)
	case def.value != nil && t == def.typ && t.def.kind == "SCALAR":
		v.walkLiteral(def.value, t)
	}
	v.walkDirectives(def.directives, "VARIABLE_DEFINITION")
}

// walkTypeCondition returns the type that a fragment is on, or nil. The type is defined
// (§5.5.1.2) and has fields (§5.5.1.3).
func (v *validator) walkTypeCondition(condition *node, fragment string) *node {
	t := v.typeNamed[condition.name]
	switch {
	case t == nil:
		v.report(at(condition.position), "Unknown type %q.", condition.name)
	case t.kind != "OBJECT":
		v.report(at(condition.position),
			fragment+" cannot condition on non composite type %q.", t.name)
		return nil
	}
	return t
}

// walkSelectionSet walks what is selected from an object type.
func (v *validator) walkSelectionSet(parent *node, set []*node) {
	for _, s := range set {
		v.walkDirectives(s.directives, s.kind)
		switch s.kind {
		case "FIELD":
			v.walkField(parent, s)
		case "FRAGMENT_SPREAD":
			v.walkSpread(parent, s)
		case "INLINE_FRAGMENT":
			v.walkInlineFragment(parent, s)
		}
	}
}

func (v *validator) walkField(parent, s *node) {
	s.def = v.field(parent, s.name)
	if s.def == nil { // §5.3.1
		v.report(at(s.position), "Cannot query field %q on type %q.", s.name, parent.name)
		return
	}
	v.walkArguments(s, s.def.args, "Field", parent.name+".", s.name)
	inner := s.def.typ.innermost().def
	switch hasFields := inner.kind == "OBJECT"; { // §5.3.3
	case hasFields && s.set == nil:
		v.report(at(s.position), `Field "%s" of type "%s" must have a selection of subfields.`,
			s.name, s.def.typ)
	case hasFields:
		v.walkSelectionSet(inner, s.set)
	case s.set != nil:
		v.report(at(s.setPosition), `Field "%s" must not have a selection since `+
			`type "%s" has no subfields.`, s.name, s.def.typ)
	}
}

func (v *validator) walkSpread(parent, s *node) {
	s.def = v.fragmentNamed[s.name]
	if s.def == nil { // §5.5.2.1
		v.report(at(s.namePosition), "Unknown fragment %q.", s.name)
		return
	}
	v.possibleSpread(parent, v.typeNamed[s.def.typ.name], s, "Fragment "+quote(s.name))
}

func (v *validator) walkInlineFragment(parent, s *node) {
	t := parent
	if s.typ != nil {
		t = v.walkTypeCondition(s.typ, "Fragment")
	}
	v.possibleSpread(parent, t, s, "Fragment")
	if t != nil {
		v.walkSelectionSet(t, s.set)
	}
}

// possibleSpread: an object has one type, so a fragment on another never applies (§5.5.2.3).
func (v *validator) possibleSpread(parent, t, s *node, fragment string) {
	if t != nil && t.kind == "OBJECT" && t != parent {
		v.report(at(s.position), fragment+" cannot be spread here as objects of type %q "+
			"can never be of type %q.", parent.name, t.name)
	}
}

// walkDirectives: a directive is defined (§5.7.1), may stand where it stands
// (§5.7.2), and stands there once (§5.7.3).
func (v *validator) walkDirectives(directives []*node, location string) {
	for _, d := range directives {
		d.def = find(v.schema.directives, d.name)
		if d.def == nil {
			v.report(at(d.position), "Unknown directive %q.", "@"+d.name)
			continue
		}
		if find(d.def.set, location) == nil {
			v.report(at(d.position), "Directive %q may not be used on %s.", "@"+d.name, location)
		}
		if first := find(directives, d.name); first != d {
			v.report(at(first.position, d.position),
				"The directive %q can only be used once at this location.", "@"+d.name)
		}
		v.walkArguments(d, d.def.args, "Directive", "@", d.name)
	}
}

// walkArguments: each argument is defined (§5.4.1), none is missing (§5.4.3), and
// literals are of their type (§5.6.1).
func (v *validator) walkArguments(n *node, defs []*node, kind, prefix, name string) {
	v.uniqueNames("argument", "", n.args)
	for _, arg := range n.args {
		switch def := find(defs, arg.name); {
		case def == nil:
			v.report(at(arg.position), "Unknown argument %q on %s %q.",
				arg.name, strings.ToLower(kind), prefix+name)
		case arg.value.kind == "Variable":
			v.current.usages = append(v.current.usages, usage{arg.value, def})
		default:
			v.walkLiteral(arg.value, def.typ)
		}
	}
	for _, def := range defs {
		if def.typ.nonNull && def.value == nil && find(n.args, def.name) == nil {
			if kind == "Directive" {
				name = prefix + name
			}
			v.report(at(n.position), `%s "%s" argument "%s" of type "%s" is required, `+
				`but it was not provided.`, kind, name, def.name, def.typ)
		}
	}
}

// A usage is a variable that is the value of an argument.
type usage struct{ variable, argument *node }

func (v *validator) walkLiteral(value, t *node) {
	if _, problem := coerceLiteral(value, t); problem != "" {
		v.add(at(value.position), problem)
	}
}

// followSpreads refuses cycles (§5.5.2.2), which would make a document endless, and
// counts the selections of the document, those of a fragment at each spread.
func (v *validator) followSpreads() {
	for _, fragment := range v.fragments {
		v.measure(fragment, nil)
	}
	total := 0
	for _, op := range v.operations {
		v.measure(op, nil)
		total = min(total+op.size, maxSelections+1)
	}
	if total > maxSelections && v.errors == nil {
		v.report(nil, tooManyFields)
	}
}

const tooManyFields = "The document asks for too many fields: at most 10,000"

// appendSpreads appends the fragment spreads of a set in the order of graphql-js: its
// own, then those of the sets in it, the last set first.
func appendSpreads(spreads, set []*node) []*node {
	for _, s := range set {
		if s.kind == "FRAGMENT_SPREAD" {
			spreads = append(spreads, s)
		}
	}
	for _, s := range slices.Backward(set) {
		spreads = appendSpreads(spreads, s.set)
	}
	return spreads
}

// measure adds to the size of a definition that of the fragments it spreads. The
// path holds the spreads that lead to it.
func (v *validator) measure(def *node, path []*node) {
	if def.isMeasured {
		return
	}
	def.isMeasured, def.isOnPath, def.pathLength = true, true, len(path)
	def.spreads = appendSpreads(nil, def.set)
	for _, spread := range def.spreads {
		path := append(path, spread)
		if fragment := spread.def; fragment.isOnPath {
			v.reportCycle(path[fragment.pathLength:])
		} else {
			v.measure(fragment, path)
			def.size = min(def.size+fragment.size, maxSelections+1)
		}
	}
	def.isOnPath = false
}

func (v *validator) reportCycle(cycle []*node) {
	if len(v.errors) >= maxErrors {
		return
	}
	var names []string
	var positions []int
	for _, spread := range cycle {
		names = append(names, quote(spread.name))
		positions = append(positions, spread.position)
	}
	last := len(names) - 1
	message := "Cannot spread fragment " + names[last] + " within itself"
	if last > 0 {
		message += " via " + strings.Join(names[:last], ", ")
	}
	v.add(positions, message+".")
}

// checkUsage: every variable is defined, allowed where it stands, and used (§5.8.3 to
// §5.8.5), and every fragment is used (§5.5.1.4).
func (v *validator) checkUsage() {
	for _, op := range v.operations {
		if usages := usagesOf(op); usages != nil || op.args != nil {
			v.checkVariables(op, usages)
		}
	}
	for _, fragment := range v.fragments {
		if fragment.usedBy == nil {
			v.report(at(fragment.position), "Fragment %q is never used.", fragment.name)
		}
	}
}

// usagesOf returns the usages of variables in an operation and in the fragments that
// it spreads, directly or by way of others.
func usagesOf(op *node) []usage {
	usages := slices.Clip(op.usages)
	for queue := slices.Clone(op.spreads); len(queue) > 0; queue = queue[1:] {
		if fragment := queue[0].def; fragment.usedBy != op {
			fragment.usedBy = op
			usages = append(usages, fragment.usages...)
			queue = append(queue, fragment.spreads...)
		}
	}
	return usages
}

func (v *validator) checkVariables(op *node, usages []usage) {
	by, in := ".", "."
	if op.name != "" {
		named := " operation " + quote(op.name) + "."
		by, in = " by"+named, " in"+named
	}
	defs, isUsed := make(map[string]*node, len(op.args)), make(map[string]bool, len(op.args))
	for _, def := range op.args {
		defs[def.name] = def
	}
	for _, u := range usages {
		def := defs[u.variable.name]
		if def == nil { // §5.8.3
			v.report(at(u.variable.position, op.position),
				`Variable "$%s" is not defined`+by, u.variable.name)
			continue
		}
		isUsed[def.name] = true
		if !isAllowed(def, u.argument) { // §5.8.5
			v.report(at(def.position, u.variable.position),
				`Variable "$%s" of type "%s" used in position expecting type "%s".`,
				def.name, def.typ, u.argument.typ)
		}
	}
	for _, def := range op.args {
		if !isUsed[def.name] { // §5.8.4
			v.report(at(def.position), `Variable "$%s" is never used`+in, def.name)
		}
	}
}

// isAllowed is IsVariableUsageAllowed (§5.8.5): every value of the variable is valid for
// the argument, or a default replaces null.
func isAllowed(variable, arg *node) bool {
	hasDefault := arg.value != nil || variable.value != nil && variable.value.kind != "Null"
	return variable.typ.name == arg.typ.name &&
		(variable.typ.nonNull || !arg.typ.nonNull || hasDefault)
}

// mergeFields: fields with one response name become one, so they must have the same
// name and arguments (§5.3.2). All have the same parent type, because there are only
// object types. So it is enough to compare each with the first.
func (v *validator) mergeFields() {
	for _, op := range v.operations {
		v.merge(collectFields(nil, op.set))
	}
}

func (v *validator) merge(fields *fieldMap) {
	for i := range fields.groups {
		g := &fields.groups[i]
		first := g.fields[0]
		for _, field := range g.fields[1:] {
			if field.name != first.name || !isSame(field.args, first.args) {
				v.report(at(first.position, field.position), "Fields %q conflict because "+
					"they ask for different things. Use different aliases on the fields to "+
					"fetch both if this was intentional.", first.responseName)
				return
			}
		}
		if first.set != nil {
			v.merge(g.collectSubfields(nil))
		}
	}
}

// isSame compares arguments, in any order.
func isSame(a, b []*node) bool {
	for _, arg := range a {
		other := find(b, arg.name)
		if other == nil || other.value.kind != arg.value.kind ||
			other.value.name != arg.value.name {
			return false
		}
	}
	return len(a) == len(b)
}

// -----------------------------------------------------------------------------
// 6 Execution
// -----------------------------------------------------------------------------

// An operation is an operation of a valid document.
type operation struct {
	schema     *schema
	document   *document
	definition *node
}

// An execution writes the reply while it resolves the fields, one by one. When a value
// turns out to be null, what was written of it is removed.
type execution struct {
	operation
	ctx       context.Context
	variables map[string]any
	data      []byte
	path      []any // of the field that is resolved (§7.1.4): fields and indices
	isOver    bool  // the reply is too large, or nobody waits for it
	errors    []gqlError
}

// execute is ExecuteRequest (§6.1). The variables are in JSON. It returns the reply,
// and whether that has data: false where the operation was refused before it ran.
func (op operation) execute(
	ctx context.Context, variables map[string]json.RawMessage,
) (reply []byte, hasData bool) {
	e := &execution{operation: op, ctx: ctx, data: make([]byte, 0, 256), path: make([]any, 0, 8)}
	if e.coerceVariableValues(variables); e.errors != nil {
		return response(e.errors, nil), false
	}
	fields := collectFields(e, op.definition.set)
	if err := e.limitMutation(fields); err != nil {
		return err.refusal(), false
	}
	rootType := op.schema.rootType(op.definition.kind)
	if !e.executeCollectedFields(rootType, nil, fields) {
		e.data = []byte("null")
	}
	reply = response(e.errors, e.data)
	if e.isOver || len(reply) > maxReply {
		return gqlError{Message: "The reply is too large: at most 1 MiB"}.refusal(), false
	}
	return reply, true
}

// limitMutation refuses a mutation that runs too many fields: each can be expensive.
func (e *execution) limitMutation(fields *fieldMap) *gqlError {
	count := 0
	for _, g := range fields.groups {
		if g.fields[0].def.resolve != nil {
			count++
		}
	}
	if e.definition.kind != "mutation" || count <= maxMutationFields {
		return nil
	}
	var names []string
	for _, field := range e.schema.typeNamed["Mutation"].set {
		names = append(names, field.name)
	}
	return &gqlError{Message: fmt.Sprintf("At most %d %s fields in one operation",
		maxMutationFields, strings.Join(names, " and "))}
}

// coerceVariableValues is CoerceVariableValues (§6.1.2). All are scalars: validation
// lets no other variable through, since no argument would take it.
func (e *execution) coerceVariableValues(input map[string]json.RawMessage) {
	if e.definition.args != nil {
		e.variables = make(map[string]any, len(e.definition.args))
	}
	for _, def := range e.definition.args {
		problem := ""
		value, isGiven := input[def.name]
		switch {
		case !isGiven && def.value != nil:
			e.variables[def.name], _ = coerceLiteral(def.value, def.typ)
		case !isGiven && def.typ.nonNull:
			problem = sentence(`of required type "%s" was not provided.`, def.typ)
		case !isGiven:
		case string(value) == "null" && def.typ.nonNull:
			problem = sentence(`of non-null type "%s" must not be null.`, def.typ)
		default:
			given := literal(value)
			if e.variables[def.name], problem = coerceLiteral(given, def.typ); problem != "" {
				problem = "got invalid value " + shorten(given.String()) + "; " + problem
			}
		}
		if problem != "" {
			e.addError(gqlError{Message: `Variable "$` + shorten(def.name) + `" ` + problem,
				Locations: e.document.locate(def.position)})
		}
	}
}

// A fieldMap is what CollectFields (§6.3.2) finds: groups of fields that share a
// response name, in the order of the first of each.
type fieldMap struct {
	groups []fieldGroup
	index  map[string]int // of groups, once there are more than a few
	err    *gqlError      // of a @skip or an @include
}

type fieldGroup struct {
	fields    []*node
	subfields *fieldMap // what they select: the same in every item of a list
}

// collectFields is CollectFields (§6.3.2). If e is nil, it ignores @skip and @include.
func collectFields(e *execution, set []*node) *fieldMap {
	m := &fieldMap{groups: make([]fieldGroup, 0, len(set))}
	m.collect(e, set)
	return m
}

// collectSubfields is CollectSubfields (§6.3.2).
func (g *fieldGroup) collectSubfields(e *execution) *fieldMap {
	if g.subfields == nil {
		g.subfields = collectFields(e, g.fields[0].set)
		for _, field := range g.fields[1:] {
			g.subfields.collect(e, field.set)
		}
	}
	return g.subfields
}

// collect does not look at type conditions: with object types alone, validation accepts
// only those that apply (§5.5.2.3).
func (m *fieldMap) collect(e *execution, set []*node) {
	for i, s := range set {
		switch {
		case m.err != nil || s.kind == "FRAGMENT_SPREAD" && s.def.collectedBy == m:
		case e != nil && !m.includes(e, s):
		case s.kind == "FIELD":
			m.add(set[i : i+1 : i+1])
		case s.kind == "INLINE_FRAGMENT":
			m.collect(e, s.set)
		default:
			s.def.collectedBy = m
			m.collect(e, s.def.set)
		}
	}
}

func (m *fieldMap) add(field []*node) {
	key := field[0].responseName
	if i := m.find(key); i >= 0 {
		m.groups[i].fields = append(m.groups[i].fields, field...)
		return
	}
	if m.index != nil {
		m.index[key] = len(m.groups)
	}
	m.groups = append(m.groups, fieldGroup{fields: field})
}

// find returns the index of a group, or -1.
func (m *fieldMap) find(key string) int {
	if len(m.groups) <= 8 {
		return slices.IndexFunc(m.groups, func(g fieldGroup) bool { return g.key() == key })
	}
	if m.index == nil {
		m.index = map[string]int{}
		for i, g := range m.groups {
			m.index[g.key()] = i
		}
	}
	if i, found := m.index[key]; found {
		return i
	}
	return -1
}

func (g *fieldGroup) key() string { return g.fields[0].responseName }

// includes tells whether @skip and @include let a selection in (§3.13.1, §3.13.2).
func (m *fieldMap) includes(e *execution, s *node) bool {
	for _, name := range []string{"skip", "include"} {
		d := find(s.directives, name)
		if d == nil {
			continue
		}
		args, err := e.coerceArgumentValues(d.def.args, d.args)
		if m.err = err; err != nil || args["if"] == (name == "skip") {
			return false
		}
	}
	return true
}

// executeCollectedFields is ExecuteCollectedFields (§6.3.3), one field after the
// other, as a mutation needs it. It returns false if the object must become null.
func (e *execution) executeCollectedFields(objectType *node, source object, fields *fieldMap) bool {
	if fields.err != nil {
		e.addError(*fields.err)
		return false
	}
	e.data = append(e.data, '{')
	for i := range fields.groups {
		g := &fields.groups[i]
		if i > 0 {
			e.data = append(e.data, ',')
		}
		e.data = append(append(append(e.data, '"'), g.key()...), `":`...)
		e.isOver = e.isOver || len(e.data) > maxReply
		e.path = append(e.path, g.fields[0])
		if e.isOver || !e.executeField(objectType, source, g) {
			return false
		}
		e.path = e.path[:len(e.path)-1]
	}
	e.data = append(e.data, '}')
	return true
}

// executeField is ExecuteField (§6.4). It returns false if the field is null but its type
// is non-null, so that the object around it becomes null too.
func (e *execution) executeField(objectType *node, source object, g *fieldGroup) bool {
	field := g.fields[0].def
	if field.name == "__typename" {
		return e.completeValue(field.typ, g, objectType.name)
	}
	args, invalid := e.coerceArgumentValues(field.args, g.fields[0].args)
	if invalid != nil {
		return e.fail(*invalid, field.typ)
	}
	if field.resolve == nil {
		return e.completeValue(field.typ, g, source[field.name])
	}
	result, err := field.resolve(e.ctx, args)
	if err != nil {
		return e.fail(e.locate(err, g), field.typ)
	}
	return e.completeValue(field.typ, g, result)
}

// A codedError is an error of a resolver with a code for programs, which the reply
// has as extensions.code.
type codedError struct{ code, message string }

func (e codedError) Error() string { return e.message }

// locate makes a located error of a resolver's error.
func (e *execution) locate(err error, g *fieldGroup) gqlError {
	located := gqlError{Message: err.Error()}
	for _, field := range g.fields {
		located.Locations = append(located.Locations, e.document.locate(field.position)...)
	}
	var coded codedError
	if errors.As(err, &coded) {
		located.Extensions = map[string]string{"code": coded.code}
	}
	return located
}

// fail adds an error and writes null (§6.4.4). Like executeField, it returns false if the
// type is non-null.
func (e *execution) fail(err gqlError, t *node) bool {
	e.addError(err)
	e.data = append(e.data, "null"...)
	return !t.nonNull
}

func (e *execution) addError(err gqlError) {
	if len(e.errors) >= maxErrors {
		return
	}
	for _, element := range e.path {
		if field, isField := element.(*node); isField {
			element = shorten(field.responseName)
		}
		err.Path = append(err.Path, element)
	}
	e.errors = append(e.errors, err)
}

// coerceArgumentValues is CoerceArgumentValues (§6.4.1).
func (e *execution) coerceArgumentValues(defs, args []*node) (map[string]any, *gqlError) {
	if defs == nil {
		return nil, nil
	}
	values := make(map[string]any, len(defs))
	for _, def := range defs {
		value := def.value
		arg := find(args, def.name)
		if arg != nil && e.isProvided(arg.value) {
			value = arg.value
		}
		if value == nil {
			continue // A required argument is there: validation has checked (§5.4.3).
		}
		if value.kind == "Variable" {
			values[def.name] = e.variables[value.name]
		} else {
			values[def.name], _ = coerceLiteral(value, def.typ)
		}
		if def.typ.nonNull && values[def.name] == nil {
			return nil, &gqlError{Locations: e.document.locate(value.position), Message: sentence(
				`Argument "%s" of non-null type "%s" must not be null.`, def.name, def.typ)}
		}
	}
	return values, nil
}

// isProvided is false for a variable without a value.
func (e *execution) isProvided(value *node) bool {
	_, isGiven := e.variables[value.name]
	return isGiven || value.kind != "Variable"
}

// completeValue is CompleteValue (§6.4.3): it writes what a resolver returned as its
// type demands. Like executeField, it returns false if null is not allowed.
func (e *execution) completeValue(t *node, g *fieldGroup, result any) bool {
	start, depth := len(e.data), len(e.path)
	items, isList := result.([]any)
	source, isObject := result.(object)
	isWritten := false
	switch {
	case result == nil && !t.nonNull:
	case t.kind == "ListType" && isList:
		isWritten = e.completeList(t.typ, g, items)
	case t.kind != "ListType" && t.def.kind == "OBJECT" && isObject:
		isWritten = e.executeCollectedFields(t.def, source, g.collectSubfields(e))
	default:
		if isWritten = e.completeLeaf(t, result); !isWritten {
			e.addError(e.locate(wrongResult(t, g.fields[0].def, result), g))
		}
	}
	if !isWritten {
		e.data, e.path = append(e.data[:start], "null"...), e.path[:depth]
	}
	return isWritten || !t.nonNull
}

// wrongResult is the error when a resolver returned what the type does not allow.
func wrongResult(t, field *node, result any) error {
	if result == nil {
		return fmt.Errorf("Cannot return null for non-nullable field %s.%s.",
			field.parent.name, field.name)
	}
	return fmt.Errorf("Expected a value of type %q for field %s.%s.",
		t, field.parent.name, field.name)
}

func (e *execution) completeList(itemType *node, g *fieldGroup, items []any) bool {
	depth := len(e.path)
	e.data = append(e.data, '[')
	for i, item := range items {
		if i > 0 {
			e.data = append(e.data, ',')
		}
		e.path = append(e.path[:depth], i)
		e.isOver = e.isOver || e.ctx.Err() != nil
		if !e.completeValue(itemType, g, item) {
			return false
		}
	}
	e.data, e.path = append(e.data, ']'), e.path[:depth]
	return true
}

// completeLeaf writes a scalar or an enum. It returns false if the value is not of the type.
func (e *execution) completeLeaf(t *node, result any) (isWritten bool) {
	switch v := result.(type) {
	case string:
		isEnum := t.def != nil && t.def.kind == "ENUM"
		isWritten = t.name == "String" || isEnum && find(t.def.set, v) != nil
		e.data = appendString(e.data, v)
	case bool:
		isWritten = t.name == "Boolean"
		e.data = strconv.AppendBool(e.data, v)
	case int:
		isWritten = t.name == "Int" && v == int(int32(v))
		e.data = strconv.AppendInt(e.data, int64(v), 10)
	}
	return isWritten
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

// inLine is the message, with the line that it is about.
func (e gqlError) inLine() string {
	if e.Locations == nil {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Locations[0].Line, e.Message)
}

// refusal is the reply to a request that was not executed, because of one error.
func (e gqlError) refusal() []byte {
	return response([]gqlError{e}, nil)
}

// response is a reply (§7.1). Errors come first, where people see them, and as many as
// fit. Data is nil if the request was refused before it was executed.
func response(errs []gqlError, data []byte) []byte {
	var list []byte
	for i, err := range errs {
		text := encode(err)
		switch {
		case i == 0:
			list = text
		case len(list)+len(text) < maxReply-100:
			list = append(append(list, ','), text...)
		}
	}
	switch {
	case errs == nil:
		return fmt.Appendf(nil, `{"data":%s}`, data)
	case data == nil:
		return fmt.Appendf(nil, `{"errors":[%s]}`, list)
	}
	return fmt.Appendf(nil, `{"errors":[%s],"data":%s}`, list, data)
}

// sentence is fmt.Sprintf with the names and values cut short.
func sentence(format string, args ...any) string {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = shorten(arg)
		case fmt.Stringer:
			args[i] = shorten(arg.String())
		}
	}
	return fmt.Sprintf(format, args...)
}

func quote(name string) string { return strconv.Quote(shorten(name)) }

func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}

// appendString writes a string in JSON. Most need no escapes, and no copy.
func appendString(data []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' || s[i] >= utf8.RuneSelf {
			return append(data, encode(s)...)
		}
	}
	return append(append(append(data, '"'), s...), '"')
}

// encode writes JSON without escaping <, > and &.
func encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.Encode(value) // can't fail: it is made of strings, numbers and slices
	return bytes.TrimSpace(text.Bytes())
}

// builtinDefs is what every schema has besides its own types (§3.5, §3.13, §4.2).
// __Meta is not a type: its fields are the meta-fields of every object and of Query.
const builtinDefs = `
scalar Int
scalar String
scalar Boolean

type __Meta {
  __schema: __Schema!
  __type(name: String!): __Type
  __typename: String!
}

directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = "No longer supported")
  on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @specifiedBy(url: String!) on SCALAR
directive @oneOf on INPUT_OBJECT

type __Schema {
  description: String
  types: [__Type!]!
  queryType: __Type!
  mutationType: __Type
  subscriptionType: __Type
  directives: [__Directive!]!
}

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

enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }

type __Field {
  name: String!  description: String
  args(includeDeprecated: Boolean = false): [__InputValue!]!  type: __Type!
  isDeprecated: Boolean!  deprecationReason: String
}

type __InputValue {
  name: String!  description: String  type: __Type!  defaultValue: String
  isDeprecated: Boolean!  deprecationReason: String
}

type __EnumValue {
  name: String!  description: String  isDeprecated: Boolean!  deprecationReason: String
}

type __Directive {
  name: String!  description: String  isRepeatable: Boolean!
  locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]!
}

enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT
  VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE
  UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION
}
`
