package privacy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// marks returns the marks of n persons, each with three identifiers.
func marks(k privacy.Key, n int) []string {
	var list []string
	for i := range n {
		for _, id := range []privacy.Identifier{
			{Kind: privacy.ID, Value: fmt.Sprintf("customer-%d", i)},
			{Kind: privacy.Email, Value: fmt.Sprintf("person-%d@mail.example", i)},
			{Kind: privacy.CioID, Value: fmt.Sprintf("c10a%08d", i)},
		} {
			list = append(list, k.Mark("acme", id))
		}
	}
	return list
}

func parse(tb testing.TB, body string) *webhook.Event {
	tb.Helper()
	e, err := webhook.Parse([]byte(body))
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestList(t *testing.T) {
	t.Parallel()
	k := key(t, "k1", "s")
	l, err := privacy.NewList(k, marks(k, 100))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"identifiers":{"id":"customer-7"}}`:                                               true,
		`{"identifiers":{"id":"customer-700"}}`:                                             false,
		`{"identifiers":{"id":"customer-700","email":"Person-7@Mail.Example"}}`:             true,
		`{"identifiers":{"cio_id":"c10a00000007"}}`:                                         true,
		`{"recipient":"Person <PERSON-7@mail.example>"}`:                                    true,
		`{"identifiers":{"id":"customer-700"},"recipient":"person-7@mail.example"}`:         false,
		`{"identifiers":{"email":"person-\u0037@mail.example","id":"customer-700"}}`:        true,
		`{"identifiers":{"email":"` + strings.Repeat("x", 500) + `person-7@mail.example"}}`: false,
	} {
		e := parse(t, `{"object_type":"email","metric":"sent","data":`+body+`}`)
		if got := l.Has("acme", e); got != want {
			t.Errorf("%s: on the list: %v", body, got)
		}
		if l.Has("other", e) {
			t.Errorf("%s: on the list in another workspace", body)
		}
	}
}

// A list that the key cannot read must not count as an empty list.
func TestListOfAnotherKey(t *testing.T) {
	t.Parallel()
	k := key(t, "k1", "s")
	if _, err := privacy.NewList(privacy.Key{}, marks(k, 1)); !errors.Is(err, privacy.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := privacy.NewList(key(t, "k1", "t"), marks(k, 1)); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("with another secret: %v", err)
	}
	if _, err := privacy.NewList(key(t, "k2", "s"), marks(k, 1)); err != nil {
		t.Errorf("the same secret with another id: %v", err)
	}
	if _, err := privacy.NewList(k, []string{strings.Split(marks(k, 1)[0], ":")[0] + ":xyz"}); err == nil {
		t.Error("a broken entry is accepted")
	}
	if l, err := privacy.NewList(privacy.Key{}, nil); err != nil || l.Has("acme", parse(t, `{"customer_id":"a1"}`)) {
		t.Errorf("an empty list without a key: %v", err)
	}
}

func BenchmarkListHas(b *testing.B) {
	k, err := privacy.NewKey("k1", []byte(strings.Repeat("s", 32)))
	if err != nil {
		b.Fatal(err)
	}
	e := parse(b, `{"object_type":"email","metric":"sent","data":{"identifiers":{"id":"customer-9700","email":"person-9700@mail.example","cio_id":"c10a00009700"},"recipient":"person-9700@mail.example"}}`)
	for _, n := range []int{0, 3_334} {
		l, err := privacy.NewList(k, marks(k, n)) // 10,000 marks, or none
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d marks", 3*n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if l.Has("acme", e) {
					b.Fatal("a wrong answer")
				}
			}
		})
	}
}
