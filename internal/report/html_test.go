package report_test

import (
	"bytes"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
)

// wrong matches what a template prints of a value that its verb or the reader cannot
// read: fmt's own mistakes, pointers and missing values.
var wrong = regexp.MustCompile(`%!|&lt;nil&gt;|<nil>|NaN|\bInf\b|0x[0-9a-f]{6,}|<no value>|ZgotmplZ`)

func render(t *testing.T, r *report.Report) string {
	t.Helper()
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if mistakes := wrong.FindAllString(page.String(), -1); mistakes != nil {
		t.Errorf("the page has %q:\n%s", mistakes, page.String())
	}
	if people := private.FindAllString(page.String(), -1); people != nil {
		t.Errorf("the page has %q", people)
	}
	return page.String()
}

// private matches e-mail addresses and query strings. The page's style has rules with @.
var private = regexp.MustCompile(`\S@[\w.-]+|https?://\S*[?#]`)

// The page shows readable values with every field set, with no field set, and with lists
// whose elements have no field set.
func TestPageIsReadable(t *testing.T) {
	t.Parallel()
	var full, blank report.Report
	set(reflect.ValueOf(&full).Elem(), true)
	set(reflect.ValueOf(&blank).Elem(), false)
	full.Days[0].Day = "2026-11-01"
	if page := render(t, &full); !strings.Contains(page, "<td>725.0 %</td>") || !strings.Contains(page, `<circle class="median"`) {
		t.Errorf("rates or the latency are not on the page:\n%s", page)
	}
	render(t, &blank)
	render(t, &report.Report{})
}

// The labels below a plot have room.
func TestLabelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for _, hours := range []int{1, 3, 24, 145, 1500} {
		r := report.Report{Messages: make([]report.Message, 1)}
		for i := range hours {
			at := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
			r.Latency = append(r.Latency, report.Hour{Hour: at, P50: new(1.0), P99: new(2.0)})
			if at.Hour() == 15 {
				r.Days = append(r.Days, report.Day{Day: at.Format(time.DateOnly)})
			}
		}
		last, end, labels := 0.0, 0.0, xLabel.FindAllStringSubmatch(render(t, &r), -1)
		for _, m := range labels {
			at, err := strconv.ParseFloat(m[1], 64)
			half := 3.4 * float64(len(m[2]))              // of 12 px letters
			if err != nil || at > last && at-half < end { // each plot begins on the left again
				t.Errorf("%d hours: %q at %s begins before %.0f", hours, m[2], m[1], end)
			}
			last, end = at, at+half
		}
		if len(labels) < 2 {
			t.Errorf("%d hours: %d labels", hours, len(labels))
		}
	}
}

var xLabel = regexp.MustCompile(`<text x="([0-9.]+)" y="208" text-anchor="middle">([^<]*)<`)

// The numbers beside a plot have room, after a day's outage and for a large sender, too.
func TestNumbersBesidePlotsFit(t *testing.T) {
	t.Parallel()
	day := report.Day{Day: "2026-11-01"}
	day.Sent = 120_000_000
	for _, c := range []struct {
		ms   float64
		unit string
	}{{740, "ms"}, {9_999, "ms"}, {10_001, "s"}, {45 * 60_000, "min"}, {12 * 3600_000, "h"}, {400 * 86_400_000, "days"}} {
		r := report.Report{Messages: make([]report.Message, 1), Days: []report.Day{day}}
		r.Latency = []report.Hour{{P50: new(1.0), P99: new(c.ms)}}
		page := render(t, &r)
		for _, m := range yLabel.FindAllStringSubmatch(page, -1) {
			if width := 7.7 * float64(len(m[1])); width > 54 {
				t.Errorf("%.0f ms: %q begins %.0f px left of the plot's edge", c.ms, m[1], width-54)
			}
		}
		if want := `<text x="0" y="12">` + c.unit + "<"; !strings.Contains(page, want) || !strings.Contains(page, ">200 M<") {
			t.Errorf("%.0f ms: want %s and 200 M:\n%s", c.ms, want, page)
		}
	}
}

var yLabel = regexp.MustCompile(`<text x="54" [^>]*>([^<]*)<`)

// A bounce is a hard bounce in each list that does not say another class.
func TestBouncesOfDaysAreHard(t *testing.T) {
	t.Parallel()
	r := report.Report{Messages: make([]report.Message, 1), Days: []report.Day{{Day: "2026-11-01"}}}
	r.Days[0].Counts = report.Counts{Sent: 9, HardBounces: 2, SoftBounces: 30, UnknownBounces: 400}
	if page := render(t, &r); strings.Contains(page, "432") || !strings.Contains(page, "<th>hard bounced</th>") {
		t.Errorf("the days count soft bounces:\n%s", page)
	}
}

// set fills a value: lists get an element, and with full also each field a value.
func set(v reflect.Value, full bool) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		set(v.Index(0), full)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			if full {
				v.Set(reflect.ValueOf(time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC)))
			}
			return
		}
		for _, field := range v.Fields() {
			set(field, full)
		}
	case reflect.Pointer:
		if full {
			v.Set(reflect.New(v.Type().Elem()))
			set(v.Elem(), full)
		}
	case reflect.String:
		if full {
			v.SetString("text")
		}
	case reflect.Int64, reflect.Int:
		if full {
			v.SetInt(7)
		}
	case reflect.Float64:
		if full {
			v.SetFloat(7.25)
		}
	case reflect.Map: // the rates by object type, which are in JSON only
	default:
		panic("a kind without a value: " + v.Kind().String())
	}
}
