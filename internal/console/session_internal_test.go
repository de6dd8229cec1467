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
	s, now := newSessions("correct horse"), time.Now()
	end := now.Add(sessionLife)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.AddCookie(s.begin(now, false))
	if !s.valid(r, end.Add(-time.Minute)) || s.valid(r, end.Add(time.Minute)) {
		t.Error("a session does not end at its time")
	}
	s.begin(end.Add(time.Minute), false)
	if len(s.ends) != 1 {
		t.Errorf("%d sessions are kept, want the new one alone", len(s.ends))
	}
}
