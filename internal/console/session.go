package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
)

// cookieName is the name of the session's cookie.
const cookieName = "cioevents_console"

// sessionLife is the time for which a login lasts.
const sessionLife = 12 * time.Hour

// sessions compares passwords and signs cookies. The key lives as long as the process:
// a restart ends all sessions.
type sessions struct {
	key, salt, hash []byte
	limit           *loginLimit
	comparing       sync.Mutex // one comparison at a time: each needs 19 MiB
}

func newSessions(password string) *sessions {
	s := &sessions{key: random(32), salt: random(16), limit: newLoginLimit()}
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

// cookie returns a signed cookie that ends at a time. The value is the time, a nonce and
// the signature of both.
func (s *sessions) cookie(end time.Time, secure bool) *http.Cookie {
	body := binary.BigEndian.AppendUint64(nil, uint64(end.Unix())) //nolint:gosec // after 1970
	body = append(body, random(16)...)
	return &http.Cookie{ //nolint:gosec // secure behind TLS, and HTTP on loopback
		Name: cookieName, Value: base64.RawURLEncoding.EncodeToString(append(body, s.sign(body)...)), Path: "/", Expires: end,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}

func (s *sessions) sign(body []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(body)
	return m.Sum(nil)
}

// valid reports whether the request has a cookie that the console has signed and that has
// not ended.
func (s *sessions) valid(r *http.Request, now time.Time) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(raw) != 8+16+sha256.Size {
		return false
	}
	body, signature := raw[:24], raw[24:]
	return hmac.Equal(signature, s.sign(body)) && uint64(now.Unix()) < binary.BigEndian.Uint64(body) //nolint:gosec // after 1970
}
