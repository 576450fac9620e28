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
// first appends a draft: its line, with a blank where the newline belongs. Only
// if that turns out to stand right after the last line known, it writes the
// newline, syncs and answers. Appends to a local disk have one order for all,
// and no two drafts are alike (the salts differ): of servers that append at
// once, the first alone finds its draft in that place. Any other makes its own
// blank, and takes no more users. Even if it is killed before, the file can be
// read: its draft is unfinished, and no user since the id is taken.

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
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	errEmailTaken = errors.New("email already in use")
	errNotSaved   = errors.New("not saved; the log has the cause")
	errShared     = errors.New("another program wrote to the file at the same time")
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
	size    int64 // The next line begins here.
	unended bool  // The line before lacks its newline.
	lastID  int64
	stopped bool // No more users are taken.
	listed  bool // The file's entry in its directory is on disk.

	ended atomic.Bool // stopped, for those who don't wait for the disk

	mu     sync.RWMutex   // guards what follows; never held while the disk works
	users  []user         // in the file's order
	emails map[string]int // lower-case email: place in users
}

// usersFile is all that the store needs of a file. Write appends.
type usersFile interface {
	io.ReaderAt
	io.WriterAt
	io.WriteCloser
	Stat() (os.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

// twoHandles are one file: in Go, no one handle can both append and write
// elsewhere.
type twoHandles struct {
	*os.File
	end *os.File
}

func (f twoHandles) Write(b []byte) (int, error) { return f.end.Write(b) }

func (f twoHandles) Close() error {
	return errors.Join(f.end.Close(), f.File.Close())
}

// openStore loads the users' file, and creates it when missing. Its errors
// name the file, and the line at fault.
func openStore(path string, warn *log.Logger) (*store, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening %s: not a regular file", path) // A pipe could block.
	}
	var file twoHandles
	var err error
	if file.File, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		file.end, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("opening %s: %w", path, errors.Unwrap(err))
	}
	s := &store{path: path, warn: warn, file: file}
	if err := s.load(); err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// load makes the user of each line visible.
func (s *store) load() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	likely := info.Size() / 160 // users: to make room once saves much time
	s.users, s.emails = make([]user, 0, likely), make(map[string]int, likely)
	in := bufio.NewReaderSize(s.from(0), 1<<16)
	number, batch := 1, readLines(in)
	for len(batch.lines) > 0 {
		next := readLines(in) // meanwhile, these are decoded
		batch.decoded.Wait()
		for _, l := range batch.lines {
			if err := s.take(l, number); err != nil {
				return err
			}
			number++
		}
		batch = next
	}
	return batch.err
}

// take makes the user of a line visible, or mends the file if that can be.
func (s *store) take(l line, number int) error {
	if l.err == nil && l.user.ID != 0 {
		l.err = s.apply(l.user)
	}
	unended := !strings.HasSuffix(l.text, "\n")
	if l.err == nil {
		s.size += int64(len(l.text))
		s.unended = unended
		return nil
	}
	l.err = fmt.Errorf("%s:%d: %w", s.path, number, l.err)
	if unended {
		return s.mend(l)
	}
	return l.err
}

// A line is one of the file, and what it says.
type line struct {
	text string // with its newline, if it has one
	user user   // without an id if the line is blank
	err  error
}

// A batch is lines that are decoded on all cores, while the next are read.
type batch struct {
	lines   []line
	decoded sync.WaitGroup
	err     error // why they can't be read
}

// readLines reads lines, however long. After the last there are none.
func readLines(in *bufio.Reader) *batch {
	b := &batch{lines: make([]line, 0, 1000)}
	var err error
	for len(b.lines) < cap(b.lines) && err == nil {
		var text string
		if text, err = in.ReadString('\n'); text != "" {
			b.lines = append(b.lines, line{text: text})
		}
	}
	if err != nil && err != io.EOF {
		return &batch{err: err}
	}
	for share := range slices.Chunk(b.lines, 250) {
		b.decoded.Go(func() {
			for i := range share {
				share[i].user, share[i].err = decodeUser(share[i].text)
			}
		})
	}
	return b
}

// decodeUser reads a line: five members, once each, as a sign-up would write
// them. A blank line is a user without an id.
func decodeUser(text string) (u user, err error) {
	text = strings.TrimPrefix(text, "\ufeff") // Some editors put one first.
	if strings.Trim(text, " \t\r\n") == "" {
		return user{}, nil
	}
	members, err := parseObject(text)
	if err != nil {
		return user{}, err
	}
	get := func(name string) string {
		value, _ := stringValue(valueOf(members, name)) // "" would be refused below
		return strings.Clone(value)                     // lest the whole line stays in memory
	}
	u.ID, _ = strconv.ParseInt(valueOf(members, "id"), 10, 64)
	u.Username, u.Email, u.Password = get("username"), get("email"), get("password")
	createdAt := strings.ToUpper(get("createdAt"))
	u.CreatedAt, err = time.Parse(time.RFC3339, createdAt)
	switch {
	case err != nil || !rfc3339.MatchString(createdAt): // time.Parse is not so strict
		return user{}, errors.New("createdAt is not an RFC 3339 time")
	case u.ID < 1 || u.ID > math.MaxInt32:
		return user{}, errors.New("id is not an integer from 1 to 2147483647")
	case u.Username != strings.TrimSpace(u.Username):
		return user{}, errors.New("username has white space around it")
	case !isHash(u.Password):
		return user{}, errors.New("password is not a bcrypt hash of cost 4 to 16")
	case len(members) > 5:
		return user{}, errors.New("has more than the five members of a user")
	}
	return u, cmp.Or(checkUsername(u.Username), checkEmail(u.Email))
}

var rfc3339 = regexp.MustCompile(
	`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// isHash knows a bcrypt hash by its form: version, cost, then salt and hash.
func isHash(text string) bool {
	if len(text) != 60 || text[0] != '$' || text[3] != '$' || text[6] != '$' {
		return false
	}
	cost, err := strconv.ParseUint(text[4:6], 10, 8)
	return slices.Contains([]string{"2a", "2b", "2y"}, text[1:3]) &&
		err == nil && 4 <= cost && cost <= 16 && consistsOf(text[7:], "./")
}

// apply makes a user visible.
func (s *store) apply(u user) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	email := lower(u.Email)
	if _, taken := s.emails[email]; taken {
		return errEmailTaken
	}
	if u.ID <= s.lastID {
		return fmt.Errorf("id %d is not above %d, the one before", u.ID, s.lastID)
	}
	s.emails[email] = len(s.users)
	s.users = append(s.users, u)
	s.lastID = u.ID
	return nil
}

// mend cuts off an unfinished last line that is no user.
func (s *store) mend(l line) error {
	err := s.cutOff([]byte(l.text), l.err)
	if s.stopped {
		return err
	}
	s.warn.Printf("%v; this unfinished line of %d bytes is cut off", err, len(l.text))
	return nil
}

// cutOff makes the file end at s.size again, if no more than text follows. It
// returns why that had to be, and what went wrong.
func (s *store) cutOff(text []byte, why error) error {
	tail, err := io.ReadAll(s.from(s.size))
	if err == nil && !bytes.Equal(tail, text) {
		err = errShared
	}
	if err == nil && len(text) > 0 { // else another's line could be cut off
		err = s.file.Truncate(s.size)
	}
	if s.stopped = err != nil; s.stopped {
		return fmt.Errorf("%w; cutting off this line: %w", why, err)
	}
	return why
}

func (s *store) from(start int64) io.Reader {
	return io.NewSectionReader(s.file, start, math.MaxInt64-start)
}

// add saves a user, whose username and email are as they must be. It returns
// errEmailTaken, or errNotSaved and logs the cause.
func (s *store) add(username, email, hash string) (user, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, taken := s.byEmail(email); taken {
		return user{}, errEmailTaken
	}
	if s.stopped {
		return user{}, errNotSaved
	}
	username, email = strings.Clone(username), strings.Clone(email) // as in decodeUser
	u := user{s.lastID + 1, username, email, hash, time.Now().UTC().Truncate(time.Second)}
	err := s.append(u)
	s.ended.Store(s.stopped)
	if err != nil {
		if s.stopped {
			err = fmt.Errorf("%w; no more users are taken until a restart", err)
		}
		s.warn.Printf("saving a user in %s: %v", s.path, err)
		return user{}, errNotSaved
	}
	return u, nil
}

// append writes a user's line, and returns when it is on disk. After an error
// no more users are taken, unless the file is again as it was.
func (s *store) append(u user) error {
	line := s.encode(u)
	if _, err := decodeUser(string(line)); err != nil {
		return err // Nothing is written that can't be read. (The ids may be used up.)
	}
	s.stopped = true
	if err := s.asLeft(); err != nil {
		return err
	}
	draft := bytes.Clone(line)
	draft[len(draft)-1] = ' '
	if n, err := s.file.Write(draft); err != nil {
		return s.cutOff(draft[:n], err)
	}
	tail, err := io.ReadAll(s.from(s.size))
	if at := bytes.Index(tail, draft); at != 0 {
		if at > 0 {
			s.file.WriteAt(bytes.Repeat([]byte(" "), len(draft)), s.size+int64(at))
		}
		return cmp.Or(err, errShared)
	}
	if _, err := s.file.WriteAt(line, s.size); err != nil {
		return s.cutOff(draft, err)
	}
	if err := s.sync(); err != nil {
		err = s.cutOff(line, err)
		s.stopped = true // A second sync may succeed although the data is lost.
		return err
	}
	s.size += int64(len(line))
	s.unended, s.stopped = false, false
	return s.apply(u)
}

// encode returns a user's line, after the newline that the last one may lack.
func (s *store) encode(u user) []byte {
	var text bytes.Buffer
	if s.unended {
		text.WriteByte('\n')
	}
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // for people to read
	enc.Encode(u)
	return text.Bytes()
}

// asLeft looks whether the file is the one opened, and as long as we left it.
func (s *store) asLeft() error {
	ours, err := s.file.Stat()
	there, err2 := os.Stat(s.path)
	switch {
	case err != nil || err2 != nil:
		return cmp.Or(err, err2)
	case !os.SameFile(there, ours):
		return errors.New("another file has taken its place")
	case ours.Size() != s.size:
		return fmt.Errorf("another program made it %d bytes long, not %d", ours.Size(), s.size)
	}
	return nil
}

// sync waits until the disk has the line and, the first time, the file's entry in
// its directory, where that can be asked for.
func (s *store) sync() error {
	if err := s.file.Sync(); err != nil || s.listed || runtime.GOOS == "windows" {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err == nil {
		defer dir.Close()
		err = dir.Sync()
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	s.listed = err == nil
	return err
}

// close waits for the sign-up under way.
func (s *store) close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.file.Close()
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
