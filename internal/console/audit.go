package console

import "net/http"

// audit writes the line about a change: who did what to how many, by which filter. The
// filter must not contain addresses.
func (s *Server) audit(r *http.Request, what, filter string, count int) {
	s.cfg.Log.Info().Str("who", whoOf(r)).Str("what", what).Str("filter", filter).Int("count", count).Msg("console: change")
}
