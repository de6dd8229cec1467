package docs_test

import (
	"fmt"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A quote is a part of a sentence in a document. The value between its braces is
// the value of a constant. See constants.value for the forms of a reference.
type quote struct{ sentence, reference string }

// quotes lists the numbers and names in documents that are constants of the code, by
// document. Add a line here when a document quotes another constant.
var quotes = map[string][]quote{
	"README.md": {
		{"Bounces delete at most {1,000} profiles", "internal/worker.DefaultSuppressionLimit"},
		{"`https://your-host{/webhooks/customerio}`", "internal/ingest.Path"},
		{"{duckdb:data/customerio.duckdb}", "internal/warehouse/place.DefaultURL"},
		{"JetStream stream {CUSTOMERIO} ", "internal/stream.Name"},
		{"──▶ stream {CUSTOMERIO_DEAD}", "internal/stream.DeadName"},
		{"(signing key: {dev-signing-key})", "internal/dev.DefaultKey"},
		{"the view `{customerio_events}`", "internal/warehouse.Events"},
		{`query "FROM {customerio_messages}"`, "internal/warehouse.Messages"},
	},
	"SECURITY.md": {
		{"Bounces delete at most {1,000} profiles", "internal/worker.DefaultSuppressionLimit"},
		{"or more than {24 hours} ahead", "pkg/webhook.MaxClockSkew"},
		{"`MAX_BODY_BYTES` ({8 MiB})", "internal/ingest.DefaultMaxBody"},
		{"Bodies above {16 KiB} share a budget", "internal/ingest.smallBody"},
		{"a budget of {eight} times `MAX_BODY_BYTES`", "internal/ingest.largeBodies"},
		{"open at a time ({4096})", "internal/ingest.DefaultMaxConnections"},
		{"Headers must come within {5 s}", "internal/ingest.headerTimeout"},
		{"and take {16 KiB} at most", "internal/ingest.maxHeaderBytes"},
		{"the body within {2 s} of them", "internal/ingest.bodyTimeout"},
		{"the answer within {10 s}", "internal/ingest.writeTimeout"},
		{"idle connections end after {65 minutes}", "internal/ingest.idleTimeout"},
		{"dead letters after {90 days}", "internal/stream.deadMaxAge"},
		{"empty, over {150} bytes", "internal/customerio.maxIdentifier"},
	},
	"docs/configuration.md": {
		{"Without them ingest uses `{300}`", "cmd/ingest.debug.SetGCPercent(…)"},
		{"and `{160MiB}`, which makes ingest quicker", "cmd/ingest.debug.SetMemoryLimit(…)"},
		{"{30} attempts take about 3.5 hours", "internal/worker.DefaultMaxAttempts"},
		{"The dataset may be left out: `{messaging}`", "internal/warehouse.DefaultSchema"},
		{"Parameters of the last form follow a question mark: `bigquery://PROJECT/DATASET?connections={4}", "internal/warehouse/bigquery.DefaultConnections"},
		{"&location=EU&timeout={30s}`", "internal/warehouse/bigquery.DefaultTimeout"},
		{"the key is `{dev-signing-key}`", "internal/dev.DefaultKey"},
		{"Each workspace posts to `{/webhooks/customerio}/<name>`", "internal/ingest.Path"},
		{"one workspace, named `{default}`", "internal/config.DefaultWorkspace"},
		{"the consumers `{suppression}` and `engagement`.", "internal/app/workerapp.Suppression"},
		{"the consumers `suppression` and `{engagement}`.", "internal/app/workerapp.Engagement"},
	},
	"docs/effects.md": {
		{"| `SUPPRESSION_LIMIT` | {1000} |", "internal/worker.DefaultSuppressionLimit"},
		{"{50,000} is the largest limit", "internal/worker.MaxSuppressionLimit"},
		{"Texts are cut at {1,000} bytes", "internal/effect.MaxValue"},
		{"Names of attributes have at most {150} bytes", "internal/effect.MaxName"},
		{"names of events {100}", "internal/effect.MaxEventName"},
		{"one event sets at most {297} attributes", "internal/effect.maxAttributes"},
		{"YAML of at most {1 MiB}", "internal/effect.maxFile"},
		{"A file may have {20} such words", "internal/effect.maxUnknown"},
		{"belong to the consumer `{engagement}`", "internal/app/workerapp.Engagement"},
		{"all others to `{suppression}`", "internal/app/workerapp.Suppression"},
	},
	"docs/loadbalancers.md": {
		{"ingest answers within {2.75 s}", "internal/ingest.answerTimeout"},
		{"an idle connection for {65 minutes}", "internal/ingest.idleTimeout"},
		{"Bodies of {8 MiB}, unchanged", "internal/ingest.DefaultMaxBody"},
	},
	"docs/operations.md": {
		{"| over {16 KiB} of headers |", "internal/ingest.maxHeaderBytes"},
		{"a table of the same name until it is {10 minutes} old", "internal/warehouse/bigquery.staleWait"},
		{"The default of {8 s} suits three probes", "internal/app/ingestapp.drainDelay"},
		{"Give the process `DRAIN_DELAY` and {8 s} more", "internal/ingest.shutdownTimeout"},
		{"too far ahead: over {24 hours}", "pkg/webhook.MaxClockSkew"},
		{"Dead letters are kept for {90 days}", "internal/stream.deadMaxAge"},
		{"in the stream `{CUSTOMERIO_DEAD}`", "internal/stream.DeadName"},
		{"on the subject `{customerio.dead.}<ingest or consumer>", "internal/stream.deadPrefix"},
		{"customerio.dead.<{ingest} or consumer>", "internal/event.FromIngest"},
		{"nothing more is fetched for the workspace, and one call tries again every {15 s}", "internal/customerio.longestProbe"},
		{"the instrument is 0; one call tries again every {15 s}", "internal/customerio.longestProbe"},
		{"The dead letters stay for {90 days}", "internal/stream.deadMaxAge"},
		{"Dead letters leave after {90 days}", "internal/stream.deadMaxAge"},
		{"at their start and then every {2 s}", "internal/stream.keepEvery"},
		{"at {90 days} they are deleted", "internal/stream.deadMaxAge"},
		{"`nats stream info {CUSTOMERIO}` for the leader", "internal/stream.Name"},
		{"FROM {messaging}.customerio_bounces", "internal/warehouse.DefaultSchema"},
		{"FROM messaging.{customerio_bounces}", "internal/warehouse.Bounces"},
		{"{8} × MAX_BODY_BYTES", "internal/ingest.largeBodies"},
		{"A body of up to {16 KiB} is small", "internal/ingest.smallBody"},
		{"it notices the end by itself within {15 s}", "internal/worker.longestBatchWait"},
		{"`MAX_ATTEMPTS` deliveries, {three} attempts in a row", "internal/worker.maxUnreturned"},
		{"takes {708} bytes an event on disk", "internal/stream.bytesPerEvent"},
		{"× STREAM_MAX_AGE in seconds × {708}", "internal/stream.bytesPerEvent"},
		{"takes {146} bytes an id", "internal/stream.bytesPerID"},
		{"× DEDUP_WINDOW in seconds × {146}", "internal/stream.bytesPerID"},
		{"its memory limit of {160 MiB}", "cmd/ingest.debug.SetMemoryLimit(…)"},
		{"a worker has {four} (`connections`)", "internal/warehouse/bigquery.DefaultConnections"},
		{"in `{customerio_daily}` against", "internal/warehouse.Daily"},
	},
	"deploy/k8s/base/kustomization.yaml":         {{"# events of {708 B}, or", "internal/stream.bytesPerEvent"}},
	"deploy/k8s/overlays/production/alerts.yaml": {{"One tries again every {15 s}.", "internal/customerio.longestProbe"}},
	"internal/telemetry/queue.go":                {{"fits into the {160 MiB} that ingest allows", "cmd/ingest.debug.SetMemoryLimit(…)"}},
	"internal/worker/worker.go": {
		{"a third of the stream's AckWait. Default {10 s}.", "internal/worker.extendEvery"},
		{"longer than the stream's AckWait. Default {1 minute}.", "internal/worker.setAside"},
	},
	"docs/production.md": {
		{"let bodies of {8 MiB} through unchanged", "internal/ingest.DefaultMaxBody"},
		{"keeps idle connections for longer than {65 minutes}", "internal/ingest.idleTimeout"},
		{"`bq ls acme:messaging` shows `{customerio_events_raw}`", "internal/warehouse/bigquery.Raw"},
		{"FROM messaging.{customerio_events}'", "internal/warehouse.Events"},
		{"--url https://webhooks.acme.com{/webhooks/customerio} --warehouse-url", "internal/ingest.Path"},
		{"--allow-sub '{_INBOX_}ingest.>'", "internal/app.InboxPrefix"},
		{"--allow-pub '{customerio.events.}>,", "internal/stream.eventsPrefix"},
		{`"FROM {customerio_messages}"`, "internal/warehouse.Messages"},
	},
}

// content returns the text of a document, or the comments of a Go file.
func content(t *testing.T, name string) string {
	t.Helper()
	text := read(t, name)
	if path.Ext(name) != ".go" {
		return text
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var comments strings.Builder
	for _, group := range file.Comments {
		comments.WriteString(group.Text())
	}
	return comments.String()
}

// TestQuotes holds the documents, and the comments about other packages, to the
// constants that they quote.
func TestQuotes(t *testing.T) {
	t.Parallel()
	c := newConstants()
	for document, list := range quotes {
		text := words(content(t, document))
		for _, q := range list {
			if err := q.check(c, text); err != nil {
				t.Errorf("%s, quoted in %s by test/docs/quotes_test.go: %v", q.reference, document, err)
			}
		}
	}
}

var braces = regexp.MustCompile(`\{([^}]+)\}`)

// check compares the quoted value with the constant, and looks for the sentence.
func (q quote) check(c *constants, text string) error {
	quoted := braces.FindStringSubmatch(q.sentence)
	if quoted == nil {
		return fmt.Errorf("no value in braces in %q", q.sentence)
	}
	value, err := c.value(q.reference)
	if err != nil {
		return fmt.Errorf("find constant (correct its name here if it was renamed): %w", err)
	}
	if !equal(quoted[1], value.Value) {
		return fmt.Errorf("the value is %s: correct %q in the document and here", show(value), q.sentence)
	}
	if sentence := braces.ReplaceAllString(q.sentence, "$1"); !strings.Contains(text, words(sentence)) {
		return fmt.Errorf("the document does not contain %q: correct the sentence here if the document has another", sentence)
	}
	return nil
}

// words returns a text with single spaces, because documents wrap lines differently.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// measure matches a number in a document and its unit.
var measure = regexp.MustCompile(`^(\d[0-9,]*(?:\.\d+)?|[a-z]+) ?([A-Za-z]*)$`)

var (
	units = map[string]float64{
		"": 1, "B": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "KiB": 1 << 10, "MiB": 1 << 20,
		"ms": float64(time.Millisecond), "s": float64(time.Second),
		"minutes": float64(time.Minute), "minute": float64(time.Minute), "hours": float64(time.Hour), "days": float64(24 * time.Hour),
	}
	numerals = map[string]float64{"three": 3, "four": 4, "eight": 8}
)

// equal reports whether the quoted text means the value: "16 KiB" is 16384.
func equal(quoted string, value constant.Value) bool {
	if value.Kind() == constant.String {
		return quoted == constant.StringVal(value)
	}
	parts := measure.FindStringSubmatch(quoted)
	if parts == nil {
		return false
	}
	number, known := numerals[parts[1]]
	if !known {
		var err error
		if number, err = strconv.ParseFloat(strings.ReplaceAll(parts[1], ",", ""), 64); err != nil {
			return false
		}
	}
	unit, known := units[parts[2]]
	got, _ := constant.Float64Val(value)
	return known && number*unit == got
}

// show returns the text of a value. A duration has its unit.
func show(v types.TypeAndValue) string {
	if n, exact := constant.Val(v.Value).(int64); exact && v.Type.String() == "time.Duration" {
		return time.Duration(n).String()
	}
	return v.Value.String()
}

func TestAWrongQuoteIsFound(t *testing.T) {
	t.Parallel()
	c := newConstants()
	const text = "Dead letters stay for 90 days, a body has 16 KiB and the table lies in `messaging`."
	for q, want := range map[quote]string{
		{"stay for {90 days}", "shifted"}:      "the value is 16384",
		{"stay for {90 days}", "duration"}:     "",
		{"stay for {2,160 hours}", "duration"}: `does not contain "stay for 2,160 hours"`,
		{"stay for {91 days}", "duration"}:     "the value is 2160h0m0s",
		{"remain for {90 days}", "duration"}:   `does not contain "remain for 90 days"`,
		{"stay for {90 days}", "nothing"}:      "has no constant nothing",
		{"stay for {90 moons}", "duration"}:    "the value is 2160h0m0s",
		{"stay for {ninety days}", "duration"}: "the value is 2160h0m0s",
		{"stay for 90 days", "duration"}:       "no value in braces",
		{"has {16 KiB} and", "shifted"}:        "",
		{"lies in `{messaging}`", "text"}:      "",
		{"lies in `{messages}`", "text"}:       `the value is "messaging"`,
		{"has {16\nKiB}  and", "shifted"}:      "the value is 16384",
		{"a\n body  has {16 KiB}", "shifted"}:  "",
	} {
		q.reference = "test/docs/testdata/constants." + q.reference
		err := q.check(c, text)
		if want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q of %s: got %v, want %q", q.sentence, q.reference, err, want)
		}
	}
	if eight := constant.MakeInt64(8); !equal("eight", eight) || equal("four", eight) || equal("nine", eight) {
		t.Error("a numeral means another number")
	}
}
