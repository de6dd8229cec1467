package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// A page is an entry of the menu.
type page struct {
	Path, Title string
	// Key opens the page when pressed after g.
	Key    string
	routes func(*Server, *router)
}

// pages returns the pages in the order of the menu.
func pages() []page {
	return []page{
		{"/", "Overview", "o", (*Server).overviewRoutes},
		{"/events", "Events", "e", (*Server).eventsRoutes},
		{"/person", "Person", "p", (*Server).personRoutes},
		{"/messages", "Messages", "m", (*Server).messagesRoutes},
		{"/dead", "Dead letters", "d", (*Server).deadRoutes},
		{"/replays", "Replays", "r", (*Server).replaysRoutes},
		{"/try", "Try a rule", "t", (*Server).tryRoutes},
	}
}

// A router registers the routes of a page.
type router struct {
	server *Server
	mux    *http.ServeMux
	page   *page
}

// A handler returns what to show. An InputError becomes 400 with the mistake.
type handler func(w http.ResponseWriter, r *http.Request) (view, error)

// A view is a template with its data.
type view struct {
	// file is the name of the file in templates, without ".html". Each file defines the
	// template "content".
	file string
	// part is a template of the file, for a request of htmx. Default: the whole page.
	part   string
	data   any
	status int // default 200
}

// get registers a route that changes nothing.
func (r *router) get(route string, h handler) { r.mux.Handle("GET "+route, r.handle(h)) }

// post registers a route that changes nothing and that a link must not open.
func (r *router) post(route string, h handler) { r.mux.Handle("POST "+route, r.handle(h)) }

// change registers a route that changes something; a read-only console has none.
func (r *router) change(route string, h handler) {
	if !r.server.cfg.ReadOnly {
		r.post(route, h)
	}
}

// maxForm bounds the body of a form, in bytes: an event of 8 MiB with its escapes.
const maxForm = 12 << 20

func (r *router) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, maxForm)
		v, err := h(w, req)
		if err != nil {
			v = failure(err)
		}
		if v.file != "" { // otherwise the handler has answered
			r.server.render(w, req, r.page, v)
		}
	})
}

// field returns a text of a form or of an address, without white space around the text.
func field(r *http.Request, name string) string { return strings.TrimSpace(r.FormValue(name)) }

// address returns the address of a page with the fields that are not empty. Templates need the
// whole address: they would escape the signs between the fields of a query alone.
func address(page string, fields map[string]string) string {
	q := url.Values{}
	for name, value := range fields {
		if value != "" {
			q.Set(name, value)
		}
	}
	return page + "?" + q.Encode()
}

// failure returns the view of an error.
func failure(err error) view {
	status := http.StatusBadGateway // NATS or the warehouse
	switch _, isInput := errors.AsType[*operate.InputError](err); {
	case isInput:
		status = http.StatusBadRequest
	case errors.Is(err, event.ErrNoDeadLetter), errors.Is(err, stream.ErrNoEvent), errors.Is(err, stream.ErrNoReplay):
		status = http.StatusNotFound
	case errors.Is(err, errBusy):
		status = http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	}
	return view{file: "error", part: "problem", data: err.Error(), status: status}
}

// A frame is the data of a page's layout.
type frame struct {
	Page     *page // nil on the login page
	Menu     []page
	Who      string
	CanLeave bool // whether there is a login to end
	ReadOnly bool
	Version  string
	Data     any
}

// isPart reports whether htmx asks for a part of a page.
func isPart(r *http.Request) bool { return r.Header.Get("HX-Request") != "" }

// render writes the whole page, or the part for htmx. It renders into memory first, so
// that a mistake in a template becomes an error and not half a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, p *page, v view) {
	name := "layout"
	if isPart(r) && v.part != "" {
		name = v.part
	}
	f := frame{Page: p, Menu: s.menu, Who: whoOf(r), CanLeave: s.cfg.Password != "", ReadOnly: s.cfg.ReadOnly, Version: config.Version(), Data: v.data}
	var out bytes.Buffer
	if err := templates[v.file].ExecuteTemplate(&out, name, f); err != nil {
		s.cfg.Log.Error().Err(err).Str("template", v.file).Msg("console: render page")
		http.Error(w, "The console cannot show this page; its log has the reason.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = out.WriteTo(w) // fails only if the browser is gone
}

//go:embed templates
var templateFiles embed.FS

// templates has a set for each file: the layout and the shared parts, and the file.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/shared.html"))
	sets := map[string]*template.Template{}
	entries, _ := templateFiles.ReadDir("templates") // embedded
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		set := template.Must(shared.Clone())
		sets[name] = template.Must(set.ParseFS(templateFiles, "templates/"+e.Name()))
	}
	return sets
}
