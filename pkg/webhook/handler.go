package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// MaxBody is the largest body in bytes that a Handler accepts. Customer.io documents no
// limit. A sent event with the content of its message may have some MiB.
const MaxBody = 8 << 20

// AnswerWithin is the time in which a Handler wants to answer. Customer.io hangs up after
// 4 seconds, and the network takes a part of them.
const AnswerWithin = 3 * time.Second

// Handler returns a handler of calls from Customer.io. Handler verifies the signature,
// parses the body and calls store with the event. Store must return nil only when the event
// is where a crash cannot lose it: Customer.io then forgets the event. The context of store
// ends after 3 seconds. Handler waits for store to return: a store that does not heed the
// context may answer when Customer.io has hung up, and the event then comes again.
//
//	answer  when
//	200     store returned nil
//	401     the signature is missing or wrong
//	405     the method is not POST
//	413     the body has more than MaxBody bytes
//	503     store returned an error or panicked, or the body did not arrive
//
// After 503 Customer.io soon tries again. A handler of your own that answers 400 or 500, or
// drops the connection, makes Customer.io wait for an hour, with all later events.
//
// A signed body that is no JSON object comes to store as an Event of the Shape Unreadable.
// Keep its Raw: an error would make Customer.io repeat the same bytes for 7 days, and hold back
// every later event.
//
// Refused calls, errors and panics go to the ErrorLog of the http.Server, or to package
// log/slog. Log lines contain no bodies and no keys.
func Handler(v *Verifier, store func(context.Context, *Event) error) http.Handler {
	return &handler{v, store}
}

type handler struct {
	verifier *Verifier
	store    func(context.Context, *Event) error
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := h.serve(w, r)
	if err != nil {
		report(r, status, err)
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
}

// serve returns the status of the answer. The recovery keeps the connection: without it
// net/http drops the connection, and a framework answers 500.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (status int, err error) {
	defer func() {
		if p := recover(); p != nil {
			status, err = http.StatusServiceUnavailable, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), AnswerWithin)
	defer cancel()
	body, err := read(w, r)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, err
	}
	if err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("read body: %w", err)
	}
	if _, err := h.verifier.Verify(r.Header, body, time.Now()); err != nil {
		return http.StatusUnauthorized, err
	}
	if err := h.store(ctx, eventOf(body)); err != nil {
		return http.StatusServiceUnavailable, err
	}
	return http.StatusOK, nil
}

// read reads the body within AnswerWithin, on a server that can limit the time.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(AnswerWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		return nil, err
	}
	// The next call on the connection has a deadline of its own.
	if err := c.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	return body, nil
}

// eventOf returns the event of a signed body, readable or not.
func eventOf(body []byte) *Event {
	e, err := Parse(body)
	if err != nil {
		return &Event{Raw: body, Shape: Unreadable}
	}
	return e
}

// report writes where net/http writes about the request, or to slog.
func report(r *http.Request, status int, err error) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ErrorLog != nil {
		s.ErrorLog.Printf("webhook call answered %d: %v", status, err)
		return
	}
	slog.Error("webhook call not taken", "status", status, "error", err)
}
