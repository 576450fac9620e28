// The users' file is JSON Lines, one user a line, and only ever appended to:
//
//	{"id":1,"username":"johndoe","email":"johndoe@example.com","password":"$2a$10$…","createdAt":"…"}
//
// What it promises:
//
//   - A sign-up is answered when its line is on disk, written and synced.
//   - A crash leaves an unfinished last line at most. At the next start it is
//     kept if it reads as a user, else cut off: nobody was told it is saved.
//   - Any other line that is no user stops the start, and no byte is changed.
//   - All users are in memory as well: a reader never waits for the disk.
//
// Two servers on one file do it no harm, though nothing is locked. A sign-up
// appends its line with a blank where the newline belongs, looks whether it
// stands right after the last line known, and only then writes the newline,
// syncs and answers. Appends to a local disk have one order for all, and no two
// lines are alike (the salts differ): of servers that append at once, the first
// alone finds its line in that place. Any other makes its own line blank, and
// takes no more users. Even if it is killed before, the file can be read: what
// it wrote is unfinished, and no user, since the id is taken.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

//lint:file-ignore ST1005 people read these messages as they stand

var (
	errEmailTaken = errors.New("Email already in use")
	errSave       = errors.New("Could not save the user")

	errShared = errors.New("another program wrote to the file at the same time")
)

// A user is one line of the file.
type user struct {
	ID        int64     `json:"id"` // 1 to 2147483647
	Username  string    `json:"username"`
	Email     string    `json:"email"`
	Password  string    `json:"password"` // its bcrypt hash
	CreatedAt time.Time `json:"createdAt"`
}

// A store has all users in memory, and appends new ones to their file.
type store struct {
	path string
	warn *log.Logger

	writing sync.Mutex // guards what follows; held while the disk works
	file    usersFile
	opened  os.FileInfo // says which file it is
	size    int64       // of the file in bytes: the next line begins here
	unended bool        // the line before that lacks its newline
	stopped bool        // no more users are taken

	mu     sync.RWMutex   // guards what follows; never held while the disk works
	users  []user         // their ids rise
	emails map[string]int // lower-case email: place in users
}

// usersFile is all that the store needs of a file. Write appends.
type usersFile interface {
	io.Writer
	io.ReaderAt
	io.WriterAt
	Stat() (os.FileInfo, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// openStore loads the users' file, and creates it when missing. Its errors
// name the file, and the line at fault.
func openStore(path string, warn *log.Logger) (*store, error) {
	s := &store{path: path, warn: warn}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	last, err := s.load()
	if err == nil {
		err = s.mend(last)
	}
	if err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

func (s *store) open() error {
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		return errors.New("not a regular file") // Reading a pipe could wait for ever.
	}
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return errors.Unwrap(err)
	}
	end, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		file.Close()
		return errors.Unwrap(err)
	}
	s.file = twoHandles{file, end}
	s.opened, err = file.Stat()
	return err
}

// twoHandles are one file: in Go none can both append and write elsewhere.
type twoHandles struct {
	*os.File
	end *os.File
}

func (f twoHandles) Write(b []byte) (int, error) {
	return f.end.Write(b)
}

func (f twoHandles) Close() error {
	return errors.Join(f.end.Close(), f.File.Close())
}

// load reads all lines. It returns the last one if that is unfinished, with
// the reason if it is no user.
func (s *store) load() (last line, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, math.MaxInt64), 1<<16)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		s.size = 3
		in.Discard(3)
	}
	expected := s.opened.Size() / 150
	s.users, s.emails = make([]user, 0, expected), make(map[string]int, expected)
	for number := 1; err == nil; {
		var lines []line
		lines, err = readLines(in)
		for _, l := range lines {
			if l.err == nil && l.user.ID != 0 {
				l.err = s.apply(l.user)
			}
			if l.err != nil {
				l.err = fmt.Errorf("%s:%d: %w", s.path, number, l.err)
			}
			if !bytes.HasSuffix(l.text, []byte("\n")) {
				last = l
			} else if l.err != nil {
				return line{}, l.err
			}
			s.size += int64(len(l.text))
			number++
		}
	}
	if err != io.EOF {
		return line{}, fmt.Errorf("reading %s: %w", s.path, err)
	}
	return last, nil
}

// A line of the file, and what it says.
type line struct {
	text []byte // with its newline, if it has one
	user user   // without an id if the line is blank
	err  error
}

// readLines reads lines of any length, a megabyte or more of them, and decodes
// them on all cores.
func readLines(in *bufio.Reader) (lines []line, err error) {
	for size := 0; size < 1<<20 && err == nil; {
		var text []byte
		text, err = in.ReadBytes('\n')
		lines = append(lines, line{text: text})
		size += len(text)
	}
	var cores sync.WaitGroup
	for share := range slices.Chunk(lines, len(lines)/runtime.NumCPU()+1) {
		cores.Go(func() {
			for i := range share {
				share[i].user, share[i].err = decodeUser(share[i].text)
			}
		})
	}
	cores.Wait()
	return lines, err
}

// apply makes a user visible.
func (s *store) apply(u user) error {
	email := lower(u.Email)
	if u.ID <= s.highest() {
		return fmt.Errorf("id %d is not above %d, the one before", u.ID, s.highest())
	}
	if _, taken := s.emails[email]; taken {
		return errors.New("email already in use")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emails[email] = len(s.users)
	s.users = append(s.users, u)
	return nil
}

func (s *store) highest() int64 {
	if len(s.users) == 0 {
		return 0
	}
	return s.users[len(s.users)-1].ID
}

// mend cuts off the unfinished last line if it is no user.
func (s *store) mend(last line) error {
	if last.err == nil {
		s.unended = len(last.text) > 0
		return nil
	}
	whole := s.size - int64(len(last.text))
	tail, err := s.readFrom(whole)
	if err == nil && !bytes.Equal(tail, last.text) {
		err = errShared
	}
	if err == nil {
		err = s.file.Truncate(whole)
	}
	if err != nil {
		return fmt.Errorf("%w; cutting off this unfinished line: %w", last.err, err)
	}
	s.size = whole
	s.warn.Printf("%v; this unfinished line of %d bytes is cut off", last.err, len(last.text))
	return nil
}

// add saves a user, whose username and email are as they must be. It returns
// errEmailTaken, or errSave and logs the cause.
func (s *store) add(username, email, hash string) (user, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, taken := s.byEmail(email); taken {
		return user{}, errEmailTaken
	}
	if s.stopped {
		return user{}, errSave // The log has the cause.
	}
	u := user{s.highest() + 1, username, email, hash, time.Now().UTC().Truncate(time.Second)}
	err := s.append(u)
	if err == nil {
		err = s.apply(u)
	}
	if err != nil {
		s.warn.Printf("saving a user in %s: %v", s.path, err)
		if s.stopped {
			s.warn.Printf("%s: no more users are taken until a restart", s.path)
		}
		return user{}, errSave
	}
	return u, nil
}

// append writes a user's line, and returns when it is on disk. After an error
// no more users are taken, unless the file is again as it was.
func (s *store) append(u user) error {
	if u.ID > math.MaxInt32 {
		return errors.New("no id is left")
	}
	s.stopped = true
	if err := s.asLeft(); err != nil {
		return err
	}
	text := s.encode(u)
	end := len(text) - 1
	text[end] = ' '
	if n, err := s.file.Write(text); err != nil {
		return s.takeBack(n, err)
	}
	tail, err := s.readFrom(s.size)
	if err != nil {
		return s.takeBack(len(text), err)
	}
	if at := bytes.Index(tail, text); at != 0 {
		if at > 0 {
			_, err = s.file.WriteAt(bytes.Repeat([]byte(" "), len(text)), s.size+int64(at))
		}
		return cmp.Or(err, errShared)
	}
	text[end] = '\n'
	if _, err := s.file.WriteAt(text, s.size); err != nil {
		return s.takeBack(len(text), err)
	}
	if err := s.sync(); err != nil {
		err = s.takeBack(len(text), err)
		s.stopped = true // A second sync may succeed although the data is lost.
		return err
	}
	s.size, s.unended, s.stopped = s.size+int64(len(text)), false, false
	return nil
}

// asLeft looks whether the file is the one opened, and as long as we left it.
func (s *store) asLeft() error {
	info, err := os.Stat(s.path)
	switch {
	case err != nil:
		return err
	case !os.SameFile(info, s.opened):
		return errors.New("another file has taken its place")
	case info.Size() != s.size:
		return fmt.Errorf("another program made it %d bytes long, not %d", info.Size(), s.size)
	}
	return nil
}

// encode returns a user's line, after a newline if the last one needs it.
func (s *store) encode(u user) []byte {
	var text bytes.Buffer
	if s.unended {
		text.WriteByte('\n')
	}
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.Encode(u)
	return text.Bytes()
}

// takeBack cuts off the n bytes that were written before err, if no others
// follow.
func (s *store) takeBack(n int, err error) error {
	info, failed := s.file.Stat()
	if failed == nil && info.Size() != s.size+int64(n) {
		failed = errShared
	}
	if failed == nil {
		failed = s.file.Truncate(s.size)
	}
	if failed != nil {
		return fmt.Errorf("%w; cutting off what was written: %w", err, failed)
	}
	s.stopped = false
	return err
}

func (s *store) readFrom(start int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(s.file, start, math.MaxInt64-start))
}

// sync waits until the disk has the line and, with the first one, the file's
// entry in its directory, where that can be asked for.
func (s *store) sync() error {
	if err := s.file.Sync(); err != nil || s.size > 0 || runtime.GOOS == "windows" {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err == nil {
		defer dir.Close()
		err = dir.Sync()
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// close waits for the sign-up under way.
func (s *store) close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.file.Close()
}

func (s *store) byID(id int64) (user, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := slices.BinarySearchFunc(s.users, id, func(u user, id int64) int {
		return cmp.Compare(u.ID, id)
	})
	if !found {
		return user{}, false
	}
	return s.users[i], true
}

// byEmail finds a user without regard to ASCII case.
func (s *store) byEmail(email string) (user, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := s.emails[lower(email)]
	if !found {
		return user{}, false
	}
	return s.users[i], true
}

func (s *store) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.users)
}

// lower is email with A to Z in lower case. (strings.ToLower goes further, and
// takes the Kelvin sign for a k.)
func lower(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, email)
}

// decodeUser reads a line: five members, once each, as sign-up would write
// them. A blank line is a user without an id.
func decodeUser(text []byte) (u user, err error) {
	if len(bytes.Trim(text, " \t\r\n")) == 0 {
		return user{}, nil
	}
	members, err := parseObject(text)
	if err != nil {
		return user{}, err
	}
	for _, m := range members {
		text, err := decodeString(m.value)
		switch m.name {
		case "id":
			u.ID, err = decodeID(m.value)
		case "username":
			u.Username, err = text, cmp.Or(err, checkUsername(text))
			if text != strings.TrimSpace(text) {
				err = errors.New("white space around it")
			}
		case "email":
			u.Email, err = text, cmp.Or(err, checkEmail(text))
		case "password":
			u.Password, err = text, cmp.Or(err, checkHash(text))
		case "createdAt":
			err = cmp.Or(err, u.CreatedAt.UnmarshalText([]byte(text)))
		default:
			err = errors.New("no such member")
		}
		if err != nil {
			return user{}, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if len(members) != 5 {
		return user{}, errors.New("not all of id, username, email, password and createdAt")
	}
	return u, nil
}

func decodeID(value []byte) (int64, error) {
	id, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil || id < 1 {
		return 0, errors.New("not an integer from 1 to 2147483647")
	}
	return id, nil
}

func decodeString(value []byte) (string, error) {
	if value[0] != '"' {
		return "", errors.New("not a string")
	}
	if bytes.IndexByte(value, '\\') < 0 { // most often, and much faster than Unmarshal
		return string(value[1 : len(value)-1]), nil
	}
	var text string
	err := json.Unmarshal(value, &text)
	return text, err
}

// checkHash knows a bcrypt hash by its form: version, cost, salt and hash.
func checkHash(text string) error {
	if len(text) != 60 || !slices.Contains([]string{"$2a$", "$2b$", "$2y$"}, text[:4]) ||
		text[6] != '$' || !consistsOf(text[7:], "./") {
		return errors.New("not a bcrypt hash")
	}
	if cost, err := strconv.Atoi(text[4:6]); err != nil || cost < 4 || cost > 16 {
		return errors.New("bcrypt's cost is not from 4 to 16")
	}
	return nil
}

// checkUsername judges a username that has no white space around it.
func checkUsername(name string) error {
	if name == "" {
		return errors.New("Username must not be empty")
	}
	if utf8.RuneCountInString(name) > 255 {
		return errors.New("Username must be at most 255 characters")
	}
	return nil
}

// checkEmail judges an email as HTML's <input type=email> does, and by length.
func checkEmail(email string) error {
	local, domain, _ := strings.Cut(email, "@")
	valid := len(email) <= 254 && local != "" && consistsOf(local, ".!#$%&'*+/=?^_`{|}~-")
	for label := range strings.SplitSeq(domain, ".") {
		valid = valid && 0 < len(label) && len(label) <= 63 && consistsOf(label, "-") &&
			label[0] != '-' && label[len(label)-1] != '-'
	}
	if !valid {
		return errors.New("Invalid email address")
	}
	return nil
}

// consistsOf reports whether text has only ASCII letters, digits and these.
func consistsOf(text, these string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || '9' < c) && strings.IndexByte(these, c) < 0 {
			return false
		}
	}
	return true
}
