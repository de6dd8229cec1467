package console

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A person is who uses the console, for the log of changes.
type person struct{}

// local is the name of a person on this machine, passworded of one who knew the password.
const (
	local      = "local"
	passworded = "password"
)

// whoOf returns the name of the person who sent the request.
func whoOf(r *http.Request) string {
	who, _ := r.Context().Value(person{}).(string)
	return who
}

// isOpen reports whether a path needs no login. The paths of pages never begin so.
func isOpen(path string) bool {
	return path == "/login" || path == "/healthz" || strings.HasPrefix(path, "/assets/")
}

// authenticate admits a person by the proxy's header, by the session's cookie, or, when
// the settings have neither, everybody on this machine.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := s.admitted(r)
		switch {
		case who != "":
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), person{}, who)))
		case isOpen(r.URL.Path):
			next.ServeHTTP(w, r)
		case s.cfg.ProxyHeader != "":
			http.Error(w, "The proxy has not named you: its header CONSOLE_TRUST_PROXY_HEADER is missing.", http.StatusForbidden)
		case isPart(r):
			w.Header().Set("HX-Redirect", "/login") // a part would show the login inside the page
			http.Error(w, "Your session has ended.", http.StatusUnauthorized)
		default:
			http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		}
	})
}

// admitted returns the name of the person, "" for nobody.
func (s *Server) admitted(r *http.Request) string {
	switch {
	case s.cfg.ProxyHeader != "":
		return only(r.Header.Values(s.cfg.ProxyHeader))
	case s.cfg.Password == "":
		return local
	case s.sessions.valid(r, time.Now()):
		return passworded
	default:
		return ""
	}
}

// only returns the single value of a header, "" for several: a proxy that adds its value to
// the client's own would let the client choose.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func (s *Server) loginRoutes(mux *http.ServeMux) {
	if s.cfg.Password == "" {
		return
	}
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		s.render(w, r, nil, view{file: "login", data: loginData{To: r.FormValue("to")}})
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		s.sessions.end(r)
		http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // has no value to protect
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
}

// loginData is the data of the login page.
type loginData struct{ To, Mistake string }

// maxLoginForm bounds the body of a login, in bytes.
const maxLoginForm = 8 << 10

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginForm)
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	to := r.PostFormValue("to")
	switch now := time.Now(); {
	case !s.sessions.limit.allow(address, now):
		w.Header().Set("Retry-After", "60")
		s.cfg.Log.Warn().Str("address", address).Msg("console: too many logins")
		s.render(w, r, nil, view{file: "login", status: http.StatusTooManyRequests, data: loginData{to, "Too many tries. Wait a minute."}})
	case !s.sessions.isPassword(r.PostFormValue("password")):
		s.cfg.Log.Warn().Str("address", address).Msg("console: wrong password")
		s.render(w, r, nil, view{file: "login", status: http.StatusUnauthorized, data: loginData{to, "The password is wrong."}})
	default:
		secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
		http.SetCookie(w, s.sessions.begin(now, secure))
		s.cfg.Log.Info().Str("address", address).Msg("console: login")
		http.Redirect(w, r, ownPath(to), http.StatusSeeOther) //nolint:gosec // ownPath returns no address elsewhere
	}
}

// ownPath returns a path of the console, "/" for an address elsewhere. Browsers read a
// backslash as a slash.
func ownPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
