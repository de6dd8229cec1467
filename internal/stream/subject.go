package stream

import (
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Prefixes of the subjects.
const (
	eventsPrefix   = "customerio.events."
	backfillPrefix = "customerio.backfill."
	redrivePrefix  = "customerio.redrive."
	deadPrefix     = "customerio.dead."
)

// unknown is the token of an object type or a metric that the body does not name.
const unknown = "unknown"

// maxToken bounds a token of a subject, in bytes. Customer.io's longest word has 36
// characters; without a bound, an invalid body could cause subjects of any length.
const maxToken = 64

// Subject is the subject of a message:
// customerio.events.<workspace>.<object_type>.<metric>.
func Subject(m *event.Message) string {
	var b strings.Builder
	b.Grow(len(eventsPrefix) + len(m.Workspace) + len(m.ObjectType) + len(m.Metric) + 2)
	b.WriteString(eventsPrefix)
	appendToken(&b, m.Workspace)
	b.WriteByte('.')
	appendToken(&b, m.ObjectType)
	b.WriteByte('.')
	appendToken(&b, m.Metric)
	return b.String()
}

// redriveSubject is the subject of a message that only the named consumer receives.
func redriveSubject(consumer string, m *event.Message) string {
	return redrivePrefix + consumer + "." + strings.TrimPrefix(Subject(m), eventsPrefix)
}

// backfillSubject is the subject of a backfilled event:
// customerio.backfill.<workspace>.<object_type>.<metric>. No consumer of events matches it,
// so that a backfill has no effects.
func backfillSubject(m *event.Message) string {
	return backfillPrefix + strings.TrimPrefix(Subject(m), eventsPrefix)
}

// WithBackfill adds to the subjects of events those of backfilled events with the same
// words.
func WithBackfill(subjects []string) []string {
	all := slices.Clone(subjects)
	for _, s := range subjects {
		if words, ok := strings.CutPrefix(s, eventsPrefix); ok {
			all = append(all, backfillPrefix+words)
		}
	}
	return all
}

// matches reports whether the subject matches a filter of NATS with wildcards.
func matches(filter, subject string) bool {
	for {
		f, filterRest, more := strings.Cut(filter, ".")
		if f == ">" {
			return subject != ""
		}
		s, rest, left := strings.Cut(subject, ".")
		if f != "*" && f != s || more != left {
			return false
		}
		if !more {
			return true
		}
		filter, subject = filterRest, rest
	}
}

func deadSubject(from string, reason fault.Reason) string {
	return deadPrefix + from + "." + string(reason)
}

// appendToken writes s as a token. An underscore replaces each character that has a
// meaning in a subject or is not plain ASCII. The body has the original words.
func appendToken(b *strings.Builder, s string) {
	if s == "" {
		s = unknown
	}
	for i := range min(len(s), maxToken) {
		if isTokenByte(s[i]) {
			b.WriteByte(s[i])
		} else {
			b.WriteByte('_')
		}
	}
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || 'A' <= c && c <= 'Z'
}

// parseSubject returns the tokens of the subject of an event, of a backfilled event or of
// a redriven message.
func parseSubject(subject string) (workspace, objectType, metric string) {
	rest, ok := strings.CutPrefix(subject, eventsPrefix)
	if !ok {
		rest, ok = strings.CutPrefix(subject, backfillPrefix)
	}
	if !ok {
		rest, ok = strings.CutPrefix(subject, redrivePrefix)
		if !ok {
			return "", "", ""
		}
		_, rest, _ = strings.Cut(rest, ".") // the consumer
	}
	workspace, rest, _ = strings.Cut(rest, ".")
	objectType, metric, _ = strings.Cut(rest, ".")
	return workspace, known(objectType), known(metric)
}

func known(token string) string {
	if token == unknown {
		return ""
	}
	return token
}

// EventsOf returns the subjects of the metrics, for every object type, in a workspace;
// workspace "" means all workspaces.
func EventsOf(workspace string, metrics []webhook.Metric) []string {
	subjects := make([]string, 0, len(metrics))
	for _, m := range metrics {
		subjects = append(subjects, eventsPrefix+token(workspace)+".*."+string(m))
	}
	return subjects
}

// AllEvents is the subject of every event.
const AllEvents = eventsPrefix + ">"

// Select returns the subjects of the events that match each list. An event matches a
// list that contains its word; an empty list matches all events.
func Select(workspaces, objectTypes, metrics []string) []string {
	var subjects []string
	for _, w := range tokens(workspaces) {
		for _, o := range tokens(objectTypes) {
			for _, m := range tokens(metrics) {
				subjects = append(subjects, eventsPrefix+w+"."+o+"."+m)
			}
		}
	}
	slices.Sort(subjects)
	return slices.Compact(subjects) // JetStream refuses overlapping subjects of a consumer
}

// Both returns the subjects of the events that a subject of a and a subject of b select.
// No subjects select every event; subjects of other messages select none.
func Both(a, b []string) []string {
	var subjects []string
	for _, x := range eventTokens(a) {
		for _, y := range eventTokens(b) {
			if z, ok := both(x, y); ok {
				subjects = append(subjects, eventsPrefix+strings.Join(z[:], "."))
			}
		}
	}
	return subjects
}

// eventTokens returns workspace, object type and metric of each subject of events.
func eventTokens(subjects []string) (list [][3]string) {
	if len(subjects) == 0 {
		subjects = []string{AllEvents}
	}
	for _, s := range subjects {
		rest, ok := strings.CutPrefix(s, eventsPrefix)
		if !ok {
			continue
		}
		tokens := [3]string{"*", "*", "*"}
		for i, t := range strings.SplitN(rest, ".", len(tokens)) {
			if t != ">" {
				tokens[i] = t
			}
		}
		list = append(list, tokens)
	}
	return list
}

func both(x, y [3]string) (z [3]string, ok bool) {
	for i := range z {
		switch {
		case x[i] == "*":
			z[i] = y[i]
		case y[i] == "*", x[i] == y[i]:
			z[i] = x[i]
		default:
			return z, false
		}
	}
	return z, true
}

// tokens returns the token of each word, "*" for no words.
func tokens(words []string) []string {
	if len(words) == 0 {
		return []string{"*"}
	}
	list := make([]string, 0, len(words))
	for _, w := range words {
		list = append(list, token(w))
	}
	return list
}

// token returns the token of a word, "*" for "".
func token(word string) string {
	if word == "" {
		return "*"
	}
	var b strings.Builder
	appendToken(&b, word)
	return b.String()
}
