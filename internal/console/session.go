package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
)

// cookieName is the name of the session's cookie.
const cookieName = "cioevents_console"

// sessionLife is the time for which a login lasts.
const sessionLife = 12 * time.Hour

// sessions compares passwords and knows who is logged in. The sessions live as long as the
// process: a restart ends all of them.
type sessions struct {
	salt, hash []byte
	limit      *loginLimit
	comparing  sync.Mutex // one comparison at a time: each needs 19 MiB
	mu         sync.Mutex
	ends       map[[sha256.Size]byte]time.Time // by the digest of the cookie's value
}

func newSessions(password string) *sessions {
	s := &sessions{salt: random(16), limit: newLoginLimit(), ends: map[[sha256.Size]byte]time.Time{}}
	if password != "" {
		s.hash = s.derive(password)
	}
	return s
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// derive takes some 20 ms and 19 MiB, the parameters of OWASP's cheat sheet for password
// storage.
func (s *sessions) derive(password string) []byte {
	return argon2.IDKey([]byte(password), s.salt, 2, 19<<10, 1, 32)
}

// isPassword compares in a time that does not depend on the password.
func (s *sessions) isPassword(password string) bool {
	s.comparing.Lock()
	defer s.comparing.Unlock()
	return subtle.ConstantTimeCompare(s.derive(password), s.hash) == 1
}

// begin begins a session and returns its cookie.
func (s *sessions) begin(now time.Time, secure bool) *http.Cookie {
	value, end := rand.Text(), now.Add(sessionLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.ends, func(_ [sha256.Size]byte, end time.Time) bool { return end.Before(now) })
	s.ends[sha256.Sum256([]byte(value))] = end
	return &http.Cookie{ //nolint:gosec // secure behind TLS, and HTTP on loopback
		Name: cookieName, Value: value, Path: "/", Expires: end, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}

// valid reports whether the request has the cookie of a session that has not ended. The
// digest keeps the time of the look-up from telling a part of a value.
func (s *sessions) valid(r *http.Request, now time.Time) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.ends[sha256.Sum256([]byte(c.Value))])
}

// end ends the session of a request, for copies of its cookie, too.
func (s *sessions) end(r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ends, sha256.Sum256([]byte(c.Value)))
	}
}
