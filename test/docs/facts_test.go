package docs_test

import (
	"go/constant"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/ingest"
)

// A fact is a sentence in a document about what the code does, and the test that proves
// the sentence.
type fact struct{ document, sentence, file, test string }

// facts lists sentences that were wrong before, or that a change of the code makes wrong.
// Add a line here when a document makes such a statement.
var facts = []fact{
	{"docs/effects.md", "Events of `track` are not folded: each one is sent,", "internal/worker/effects_test.go", "TestBulkKeepsWhatCannotBeFolded"},
	{"docs/effects.md", "each one is sent, many of them in one request.", "internal/customerio/batch_test.go", "TestBatchOnTheWire"},
}

// TestFacts checks that the documents have the sentences and that the tests still exist.
func TestFacts(t *testing.T) {
	t.Parallel()
	for _, f := range facts {
		if !strings.Contains(words(read(t, f.document)), f.sentence) {
			t.Errorf("%s does not contain %q: correct the sentence here if %s proves another", f.document, f.sentence, f.test)
		}
		if !strings.Contains(read(t, f.file), "func "+f.test+"(") {
			t.Errorf("%s has no %s, which proves %q in %s", f.file, f.test, f.sentence, f.document)
		}
	}
}

// TestMemoryOfIngest computes the memory formula of docs/operations.md with the defaults.
func TestMemoryOfIngest(t *testing.T) {
	t.Parallel()
	text := words(read(t, "docs/operations.md"))
	terms := numbers(t, text, `(\d+) MiB \+ MAX_CONNECTIONS × (\d+) KiB \+ (\d+) × MAX_BODY_BYTES`)
	sum := numbers(t, text, `With the defaults the sum is (\d+) MiB at the very worst, within the limit of (\d+) MiB in the manifests`)
	buffer := numbers(t, text, `its buffer takes (\d+) KiB at most`)[0]
	c := newConstants()
	if want := integer(t, c, "internal/ingest.largeBodies"); terms[2] != want {
		t.Errorf("the formula has %d large bodies, the code %d", terms[2], want)
	}
	if least := integer(t, c, "internal/ingest.smallBody") >> 10; terms[1] != buffer || buffer < least {
		t.Errorf("a connection has %d KiB in the formula and %d KiB in the text, a small body %d KiB", terms[1], buffer, least)
	}
	const mib = 1 << 20
	total := terms[0]*mib + ingest.DefaultMaxConnections*terms[1]<<10 + terms[2]*ingest.DefaultMaxBody
	if total/mib != sum[0] || sum[0] > sum[1] {
		t.Errorf("the sum with the defaults is %d MiB, the document says %d of %d MiB", total/mib, sum[0], sum[1])
	}
	if limit := "limits: {memory: " + strconv.FormatInt(sum[1], 10) + "Mi"; !strings.Contains(read(t, "deploy/k8s/base/ingest/deployment.yaml"), limit) {
		t.Errorf("deploy/k8s/base/ingest/deployment.yaml lacks %q", limit)
	}
}

// numbers returns the groups of the only match of the pattern, which are whole numbers.
func numbers(t *testing.T, text, pattern string) (list []int64) {
	t.Helper()
	matches := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(matches) != 1 {
		t.Fatalf("%d places match %s, want 1", len(matches), pattern)
	}
	for _, digits := range matches[0][1:] {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

func integer(t *testing.T, c *constants, reference string) int64 {
	t.Helper()
	v, err := c.value(reference)
	if err != nil {
		t.Fatal(err)
	}
	n, exact := constant.Int64Val(constant.ToInt(v.Value))
	if !exact {
		t.Fatalf("%s is no whole number", reference)
	}
	return n
}

// TestTimesFollowAckWait checks the times that comments derive from AckWait.
func TestTimesFollowAckWait(t *testing.T) {
	t.Parallel()
	c := newConstants()
	wait := integer(t, c, "internal/stream.AckWait")
	for _, third := range []string{"internal/worker.gatherTime", "internal/worker.extendEvery"} {
		if got := integer(t, c, third); got*3 != wait {
			t.Errorf("%s is %d ns, a third of AckWait %d ns", third, got, wait/3)
		}
	}
	if aside := integer(t, c, "internal/worker.setAside"); aside <= wait {
		t.Errorf("setAside is %d ns, AckWait %d ns: want longer", aside, wait)
	}
}
