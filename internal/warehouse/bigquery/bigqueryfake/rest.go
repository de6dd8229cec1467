package bigqueryfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const basePath = "/bigquery/v2/"

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(method, path string, fn func(*http.Request) (any, error)) {
		mux.Handle(method+" "+basePath+"projects/{project}/datasets"+path, s.call(fn))
	}
	handle(http.MethodPost, "", s.insertDataset)
	handle(http.MethodGet, "/{dataset}", s.getDataset)
	handle(http.MethodPost, "/{dataset}/tables", s.insertTable)
	handle(http.MethodGet, "/{dataset}/tables", s.listTables)
	handle(http.MethodGet, "/{dataset}/tables/{table}", s.getTable)
	handle(http.MethodPost, "/{dataset}/tables/{table}", s.testPermissions)
	handle(http.MethodPatch, "/{dataset}/tables/{table}", s.patchTable)
	handle(http.MethodDelete, "/{dataset}/tables/{table}", s.deleteTable)
	handle(http.MethodPost, "/{dataset}/tables/{table}/insertAll", s.insertAll)
	handle(http.MethodGet, "/{dataset}/tables/{table}/data", s.listRows)
	job := func(method, path string, fn func(*http.Request) (any, error)) {
		mux.Handle(method+" "+basePath+"projects/{project}"+path, s.answer(fn))
	}
	job(http.MethodPost, "/jobs", s.insertJob)
	job(http.MethodGet, "/jobs/{job}", s.getJob)
	job(http.MethodPost, "/jobs/{job}/cancel", s.cancelJob)
	job(http.MethodGet, "/queries/{job}", s.getQueryResults)
	mux.Handle("/", s.call(func(r *http.Request) (any, error) {
		return nil, &restError{http.StatusNotImplemented, "notImplemented", "bigqueryfake has no " + r.Method + " " + r.URL.Path}
	}))
	return mux
}

// call returns a handler that calls fn with the Server's mutex held.
func (s *Server) call(fn func(*http.Request) (any, error)) http.Handler {
	return handler(func(r *http.Request) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.deniedREST(false); err != nil {
			return nil, err
		}
		return fn(r)
	})
}

// answer returns a handler for a call about jobs, which may take long: fn takes the mutex
// itself.
func (s *Server) answer(fn func(*http.Request) (any, error)) http.Handler {
	return handler(func(r *http.Request) (any, error) {
		s.mu.Lock()
		err := s.deniedREST(true)
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		return fn(r)
	})
}

func handler(fn func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := fn(r)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	})
}

// A restError is an answer other than 200. Google's client libraries read the reason.
type restError struct {
	code         int
	reason, text string
}

func (e *restError) Error() string { return fmt.Sprintf("%d %s: %s", e.code, e.reason, e.text) }

func notFound(what, name string) error {
	return &restError{http.StatusNotFound, "notFound", "Not found: " + what + " " + name}
}

func alreadyExists(what, name string) error {
	return &restError{http.StatusConflict, "duplicate", "Already Exists: " + what + " " + name}
}

func invalid(text string) error {
	return &restError{http.StatusBadRequest, "invalid", text}
}

func decode(r *http.Request, v any) error {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		return invalid(err.Error())
	}
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*restError](err)
	if !ok {
		e = &restError{http.StatusInternalServerError, "internalError", err.Error()}
	}
	item := map[string]string{"message": e.text, "domain": "global", "reason": e.reason}
	writeJSON(w, e.code, map[string]any{
		"error": map[string]any{"code": e.code, "message": e.text, "errors": []any{item}},
	})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // A client that has gone needs no answer.
}

// etag returns a new etag.
func (s *Server) etag() string {
	s.etags++
	return "etag" + strconv.Itoa(s.etags)
}
