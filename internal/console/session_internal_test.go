package console

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A login ends at the time in the cookie, whatever the browser keeps.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s, end := newSessions("correct horse"), time.Now().Add(sessionLife)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.AddCookie(s.cookie(end, false))
	if !s.valid(r, end.Add(-time.Minute)) || s.valid(r, end.Add(time.Minute)) {
		t.Error("a session does not end at its time")
	}
}
