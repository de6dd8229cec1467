package console

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// functions are for all templates.
var functions = template.FuncMap{
	"asset":   assetURL,
	"ago":     func(t any) template.HTML { return ago(t, time.Now()) },
	"count":   count,
	"bytes":   func(n any) string { return warehouse.Size(integer(n)) },
	"share":   share,
	"many":    many,
	"percent": report.Percent,
	"cell":    cellText,
	"to":      cellLink,
	"tag":     statusTag,
	"safe":    func(v any) string { return withoutAddresses(fmt.Sprint(v)) },
}

// ago returns a time element with the time's distance from now, and the time itself for
// the pointer. A zero time is a dash.
func ago(at any, now time.Time) template.HTML {
	var t time.Time
	switch v := at.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	}
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, //nolint:gosec,gocritic // no text from outside
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), distance(now.Sub(t))))
}

// distance returns a text such as "3 min ago". console.js has the same steps.
func distance(d time.Duration) string {
	if d < -time.Second {
		return "in " + span(-d)
	}
	if d < 2*time.Second {
		return "now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// integer returns any integer as an int64.
func integer(n any) int64 {
	switch v := n.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case uint64:
		return int64(v) //nolint:gosec // a number of messages or bytes
	default:
		return 0
	}
}

// count returns a number with commas between thousands.
func count(n any) string {
	digits := strconv.FormatInt(integer(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// many returns a number with its noun: "1 event", "2,000 events".
func many(n any, noun string) string {
	if integer(n) == 1 {
		return "1 " + noun
	}
	return count(n) + " " + strings.TrimSuffix(noun, "s") + "s"
}

// share returns part of whole in percent, 0 without a whole.
func share(part, whole any) int64 {
	if w := integer(whole); w > 0 {
		return min(100*integer(part)/w, 100)
	}
	return 0
}
