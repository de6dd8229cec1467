package customeriotest

import (
	"cmp"
	"net/http"
	"sync"
)

// A Fault replaces the answer to a call.
type Fault struct {
	// Status, Header and Body are the answer, unless Hang or Drop is set. Default
	// Status 500.
	Status int
	Header map[string]string
	Body   string
	// Hang gives no answer until the client closes the connection.
	Hang bool
	// Drop closes the connection without an answer.
	Drop bool
	// AfterEffect applies the call first, so that only its answer is lost.
	AfterEffect bool
}

// Proxy returns the fault of a proxy or a captive portal that answers every request for
// the Track API with 200 and a page of its own.
func Proxy() *Fault {
	return &Fault{
		Status: http.StatusOK,
		Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
		Body:   "\n<!doctype html>\n<title>Sign in to the network</title>\n",
	}
}

// faults are the faults of a fake.
type faults struct {
	mu       sync.Mutex
	fn       func(*http.Request) *Fault
	met      int
	requests int
}

// SetFault answers every later request with the fault that fn returns, or normally when
// fn returns nil. The fake calls fn for one request at a time, before any check of the
// request. SetFault(nil) ends the faults.
func (f *faults) SetFault(fn func(*http.Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fn = fn
}

func (f *faults) next(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if f.fn == nil {
		return nil
	}
	fault := f.fn(r)
	if fault != nil {
		f.met++
	}
	return fault
}

func (f *faults) counts() (requests, met int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests, f.met
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
		_, _ = w.Write([]byte(ft.Body))
	}
}

// around answers a call with the fault, if there is one, before or after the effect of the
// call. A call that refused answers has no effect and no fault after it.
func (ft *Fault) around(w http.ResponseWriter, r *http.Request, refused func() bool, effect http.Handler) {
	switch {
	case ft != nil && !ft.AfterEffect:
		ft.serve(w, r)
	case refused():
	case ft != nil:
		effect.ServeHTTP(discard{}, r)
		ft.serve(w, r)
	default:
		effect.ServeHTTP(w, r)
	}
}

// discard is a ResponseWriter for an answer that a fault replaces.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
