package customeriotest

import (
	"cmp"
	"net/http"
	"time"
)

// A Fault is what a call meets instead of its answer.
type Fault struct {
	// Status and Header are answered, with Body, when neither Hang nor Drop is
	// set. A Status of 0 is 500.
	Status int
	Header map[string]string
	Body   string
	// Hang gives no answer until the client hangs up.
	Hang bool
	// Drop closes the connection without an answer.
	Drop bool
	// AfterEffect lets the call take effect first: only its answer is lost.
	AfterEffect bool
}

// SetFault makes every later call meet the fault that fn returns for it; nil is
// none. Calls come to fn one at a time, before anything is checked. SetFault(nil)
// ends it.
func (f *Fake) SetFault(fn func(*http.Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fn
}

func (f *Fake) nextFault(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return nil
	}
	fault := f.fault(r)
	if fault != nil {
		f.counts.Faults++
	}
	return fault
}

func (ft *Fault) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case ft.Hang:
		<-r.Context().Done()
	case ft.Drop:
		panic(http.ErrAbortHandler)
	default:
		for name, value := range ft.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(cmp.Or(ft.Status, http.StatusInternalServerError))
		_, _ = w.Write([]byte(ft.Body)) //nolint:gosec // The words of the test, not of the caller.
	}
}

// discard takes the answer that a fault swallows.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// A window counts the calls of one second of the clock.
type window struct {
	second int64
	calls  int
}

func (w *window) admit(now time.Time, limit int) bool {
	if s := now.Unix(); s != w.second {
		w.second, w.calls = s, 0
	}
	w.calls++
	return w.calls <= limit
}
