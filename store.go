// store.go keeps the users in a file of JSON Lines that is only appended to:
//
//	{"id":1,"username":"johndoe","email":"jo@example.com","password":"$2a$10…","createdAt":…}
//
// Several servers may share the file without a lock. Whether a line counts depends
// only on the lines above it, so all who read the file from the top find the same
// users. A sign-up appends its line, reads on up to it, and is answered if it counts:
//
//   - Of two lines with one id, the first counts. The system puts appended lines
//     into one order for all servers (O_APPEND).
//   - Two users can't have one email. A server gives its line the next id after those
//     it has read. If another line came first, that one has the same id, and ours does
//     not count. We look at the emails again, and try the next id.
//   - A line that another server is still writing has no newline yet. It is read
//     again from its beginning when the file has grown.
//   - A line that is torn, by a crash or a full disk, does not count. The next writer
//     begins with a newline, so its own line stands alone.
//   - Nothing counts before it is on disk: we ask for the size, sync, and read only up
//     to that size. After a failed sync, data may be lost even if the next sync
//     succeeds, so the store takes no more users until a restart.
//   - Nothing is removed, overwritten or repaired: another server may already have
//     read it, and answered.

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
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

var (
	errEmailTaken = errors.New("email already in use")
	errNotSaved   = errors.New("not saved; the log says why")
	errTorn       = errors.New("the line ends too early")
)

// A user is one line of the file.
type user struct {
	ID        int       `json:"id"` // 1 to 2147483647
	Username  string    `json:"username"`
	Email     string    `json:"email"`
	Password  string    `json:"password"` // its bcrypt hash
	CreatedAt time.Time `json:"createdAt"`
}

// A store has all users in memory, and appends new ones to their file.
type store struct {
	path    string
	log     *log.Logger
	stopped atomic.Bool // No more users are taken until a restart.

	disk     sync.Mutex // guards what follows; held while the disk works
	file     usersFile
	size     int64 // of the file when it was last read
	offset   int64 // of the first line that may still grow
	lines    int   // how many stand before it
	loggedAt int64 // the offset of a line that need not be logged (again)
	isLoaded bool
	isListed bool // The directory entry of the file is on disk.

	// Writers hold disk and mu, so either is enough to read what follows. Nobody holds
	// mu while the disk works.
	mu     sync.RWMutex
	users  []user         // in the order of their ids
	emails map[string]int // lower-case email: index in users
}

// usersFile is what the store needs of a file. Write appends.
type usersFile interface {
	io.ReaderAt
	io.WriteCloser
	Stat() (os.FileInfo, error)
	Sync() error
}

// openStore opens the users' file, or creates it, and reads it. Its errors name the
// file and the line.
func openStore(path string, logger *log.Logger) (*store, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening %s: not a regular file", path) // Opening a pipe can hang.
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, errors.Unwrap(err))
	}
	s := &store{path: path, log: logger, file: file, loggedAt: -1}
	if info, err := file.Stat(); err == nil {
		likely := info.Size() / 160 // users: to make room once saves time
		s.users, s.emails = make([]user, 0, likely), make(map[string]int, likely)
	}
	if err := s.readOn(); err != nil {
		file.Close()
		return nil, err
	}
	s.isLoaded = true
	return s, nil
}

// readOn reads what was appended since the last call, until there is nothing new. It
// loads the file, tells a sign-up whether its line counts, and finds the users of other
// servers. After an error the file can't be trusted any more.
func (s *store) readOn() error {
	for {
		size, err := s.look()
		if err != nil || size == s.size {
			return err
		}
		if err := s.sync(); err != nil {
			return fmt.Errorf("syncing %s: %w", s.path, err)
		}
		s.size = size
		if err := s.takeLines(); err != nil {
			return err
		}
	}
}

// takeLines reads the lines up to the size. The offset stays before a last line without
// a newline, which may still grow.
func (s *store) takeLines() error {
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, s.offset, s.size-s.offset), 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("reading %s: %w", s.path, err)
		}
		isWhole := err == nil
		if err := s.take(line, isWhole); err != nil {
			return fmt.Errorf("%s:%d: %w", s.path, s.lines+1, err)
		}
		if !isWhole {
			return nil
		}
		s.offset += int64(len(line))
		s.lines++
	}
}

// look returns the size of the file. It is an error if the file was replaced or became
// shorter.
func (s *store) look() (size int64, err error) {
	ours, err := s.file.Stat()
	there, err2 := os.Stat(s.path)
	switch {
	case err != nil || err2 != nil:
		return 0, cmp.Or(err, err2)
	case !os.SameFile(there, ours):
		return 0, fmt.Errorf("%s: another file has taken its place", s.path)
	case ours.Size() < s.size:
		return 0, fmt.Errorf("%s: the file is shorter than it was", s.path)
	}
	return ours.Size(), nil
}

// sync waits until the file is on disk and, the first time, its directory entry, on
// systems that can sync a directory.
func (s *store) sync() error {
	if err := s.file.Sync(); err != nil || s.isListed || runtime.GOOS == "windows" {
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
	s.isListed = err == nil
	return err
}

// take adds the user of a line, if the line counts. An error means that no server can
// have written it. A line that is not whole lacks its newline, and may still grow.
func (s *store) take(line []byte, isWhole bool) error {
	u, err := decodeUser(line)
	switch {
	case err == io.EOF || err == errTorn && !isWhole && s.isLoaded:
		return nil
	case err == errTorn:
		return s.passOver(err)
	case err != nil:
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	index, isTaken := s.byID(u.ID)
	_, isKnown := s.emails[lower(u.Email)]
	switch {
	case isTaken:
		return s.passOver(fmt.Errorf("another server came first with id %d", u.ID))
	case index < len(s.users):
		return fmt.Errorf("id %d is not above the one before", u.ID)
	case isKnown:
		return errEmailTaken
	}
	s.emails[lower(u.Email)] = index
	s.users = append(s.users, u)
	if !isWhole {
		s.loggedAt = s.offset // It will be read again when it has its newline.
	}
	return nil
}

// passOver logs why the line at hand counts for nothing.
func (s *store) passOver(why error) error {
	if s.loggedAt != s.offset {
		s.log.Printf("%s:%d: %v: this line counts for nothing", s.path, s.lines+1, why)
	}
	s.loggedAt = s.offset
	return nil
}

// byID returns the index of a user, or the one where a user with that id belongs.
func (s *store) byID(id int) (index int, found bool) {
	return slices.BinarySearchFunc(s.users, id, func(u user, id int) int { return u.ID - id })
}

// decodeUser reads a line. The error is io.EOF for a blank one, and errTorn for one
// that could be the beginning of a user.
func decodeUser(line []byte) (u user, err error) {
	line = bytes.Trim(line, " \t\r\n\x00\ufeff")
	if len(line) == 0 {
		return user{}, io.EOF
	}
	if err := json.Unmarshal(line, &u); err != nil {
		var object json.RawMessage
		decoder := json.NewDecoder(bytes.NewReader(line)) // knows an early end from other errors
		if line[0] == '{' && decoder.Decode(&object) == io.ErrUnexpectedEOF {
			return user{}, errTorn
		}
		return user{}, fmt.Errorf("not a user: %w", err)
	}
	switch {
	case line[0] != '{' || !utf8.Valid(line):
		return user{}, errors.New("not a JSON object in UTF-8")
	case u.ID < 1 || u.ID > math.MaxInt32:
		return user{}, errors.New("id is not an integer from 1 to 2147483647")
	case u.Username != strings.TrimSpace(u.Username):
		return user{}, errors.New("username has white space around it")
	case !isHash(u.Password):
		return user{}, errors.New("password is not a bcrypt hash of cost 4 to 16")
	case u.CreatedAt.IsZero():
		return user{}, errors.New("createdAt is missing")
	}
	return u, cmp.Or(checkUsername(u.Username), checkEmail(u.Email))
}

// isHash knows a bcrypt hash by its form: version, cost, then salt and hash.
func isHash(text string) bool {
	if len(text) != 60 || text[3] != '$' || text[6] != '$' {
		return false
	}
	cost, err := strconv.ParseUint(text[4:6], 10, 8)
	return slices.Contains([]string{"$2a", "$2b", "$2y"}, text[:3]) &&
		err == nil && 4 <= cost && cost <= 16 && consistsOf(text[7:], "./")
}

// add saves a user whose username and email were checked. It returns errEmailTaken, or
// errNotSaved after it has logged the cause.
func (s *store) add(username, email, hash string) (user, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	u := user{0, username, email, hash, time.Now().UTC().Truncate(time.Second)}
	err := s.appendLine(&u)
	if err != nil && err != errEmailTaken && err != errNotSaved {
		s.log.Printf("saving a user: %v", err)
		err = errNotSaved
	}
	return u, err
}

// appendLine gives a user the next id and appends its line, until that counts.
func (s *store) appendLine(u *user) error {
	for range 100 { // A few servers need a few tries.
		if err := s.update(); err != nil {
			return err
		}
		if _, isTaken := s.emails[lower(u.Email)]; isTaken {
			return errEmailTaken
		}
		if u.ID = 1; len(s.users) > 0 {
			u.ID = s.users[len(s.users)-1].ID + 1
		}
		line := encodeUser(*u)
		if _, err := decodeUser(line); err != nil {
			return err // Never write what can't be read. The ids may be used up, for example.
		}
		if s.size > s.offset {
			line = append([]byte{'\n'}, line...) // The last line of the file lacks its newline.
		}
		if _, err := s.file.Write(line); err != nil {
			return err // No second try: if only the newline is missing, the line counts.
		}
		if err := s.update(); err != nil {
			return err
		}
		if i, found := s.byID(u.ID); found && s.users[i].Password == u.Password {
			return nil
		}
	}
	return errors.New("gave up after 100 tries: other servers were always first")
}

// encodeUser writes a user's line.
func encodeUser(u user) []byte {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false) // for people to read
	encoder.Encode(u)
	return line.Bytes()
}

// update reads on. If that fails, no more users are taken.
func (s *store) update() error {
	if s.stopped.Load() {
		return errNotSaved
	}
	if err := s.readOn(); err != nil {
		s.stopped.Store(true)
		s.log.Printf("%v; no more users are taken until a restart", err)
		return errNotSaved
	}
	return nil
}

// byEmail finds a user without regard to ASCII case. If there is none, another server
// may have added them, so it reads on.
func (s *store) byEmail(email string) (u user, found bool) {
	if u, found = s.find(email); !found && s.disk.TryLock() {
		defer s.disk.Unlock()
		s.update()
		u, found = s.find(email)
	}
	return u, found
}

func (s *store) find(email string) (u user, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := s.emails[lower(email)]
	if found {
		u = s.users[i]
	}
	return u, found
}

// close waits for a sign-up that is under way.
func (s *store) close() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	return s.file.Close()
}

// checkUsername judges a username that has no white space around it.
func checkUsername(name string) error {
	switch {
	case name == "":
		return errors.New("Username must not be empty")
	case utf8.RuneCountInString(name) > 255:
		return errors.New("Username must be at most 255 characters")
	}
	return nil
}

// checkEmail judges an email as HTML's <input type=email> does, and by its length.
func checkEmail(email string) error {
	local, domain, _ := strings.Cut(email, "@")
	isValid := len(email) <= 254 && local != "" && consistsOf(local, ".!#$%&'*+/=?^_`{|}~-")
	for label := range strings.SplitSeq(domain, ".") {
		isValid = isValid && 0 < len(label) && len(label) <= 63 && consistsOf(label, "-") &&
			label[0] != '-' && label[len(label)-1] != '-'
	}
	if !isValid {
		return errors.New("Invalid email address")
	}
	return nil
}

// consistsOf reports whether text has only ASCII letters, digits and these.
func consistsOf(text, these string) bool {
	for i := range len(text) {
		c := text[i]
		isLetter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !isLetter && (c < '0' || '9' < c) && strings.IndexByte(these, c) < 0 {
			return false
		}
	}
	return true
}

// lower is an email with A to Z in lower case. (strings.ToLower goes further, and
// takes the Kelvin sign for a k.)
func lower(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, email)
}
