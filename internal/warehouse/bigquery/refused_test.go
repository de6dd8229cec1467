package bigquery_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// refusing makes BigQuery refuse each request that contains a bad row, without naming the
// row.
func refusing(bad ...warehouse.Row) func(bigqueryfake.Request) bigqueryfake.Fault {
	isBad := func(wire []byte) bool {
		return slices.ContainsFunc(bad, func(r warehouse.Row) bool { return bytes.Contains(wire, []byte(r.EventID)) })
	}
	return func(r bigqueryfake.Request) bigqueryfake.Fault {
		if slices.ContainsFunc(r.Wire, isBad) {
			return bigqueryfake.Fault{Kind: bigqueryfake.Refused}
		}
		return bigqueryfake.Fault{}
	}
}

func refusingAll(bigqueryfake.Request) bigqueryfake.Fault {
	return bigqueryfake.Fault{Kind: bigqueryfake.Refused}
}

func places(result warehouse.Result) []int {
	var list []int
	for _, r := range result.Rejected {
		list = append(list, r.Index)
	}
	return list
}

// Write finds refused rows that BigQuery does not name, and stores all other rows.
func TestRowsRefusedWithoutAName(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 3_000)
	bad := []int{0, 1, 700, 1_999, 2_999}
	var poison, good []warehouse.Row
	for i, r := range all {
		if slices.Contains(bad, i) {
			poison = append(poison, r)
		} else {
			good = append(good, r)
		}
	}
	p.Fault(refusing(poison...))
	result, err := sink.Write(t.Context(), all)
	if err != nil || result.Inserted != len(good) {
		t.Fatalf("result is %d inserted, %v; want %d", result.Inserted, err, len(good))
	}
	if diff := cmp.Diff(bad, places(result)); diff != "" {
		t.Errorf("rejected rows (-want +got):\n%s", diff)
	}
	if text := result.Rejected[0].Err.Error(); text != "BigQuery refused the row: InvalidArgument: Request contains an invalid argument." {
		t.Errorf("the rejection says %q", text)
	}
	wantRows(t, p, good)
	if n := p.Counts().Appends; n > 150 {
		t.Errorf("the search took %d requests, want at most 150", n)
	}
}

// A table that accepts no row causes no rejections, and the search ends.
func TestEveryRowRefusedWithoutAName(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 1_000)
	for _, before := range []int{0, 10} { // rows that the table has accepted before
		p.Fault(nil)
		if _, err := sink.Write(t.Context(), all[:before]); err != nil {
			t.Fatal(err)
		}
		p.Fault(refusingAll)
		requests := p.Counts().Appends
		for _, batch := range [][]warehouse.Row{all, all[500:501]} {
			result, err := sink.Write(t.Context(), batch)
			if err == nil || !strings.Contains(err.Error(), "cioctl warehouse migrate --print") || len(result.Rejected) > 0 {
				t.Fatalf("after %d rows: result is %+v, %v; want an error", before, result, err)
			}
			if _, permanent := fault.PermanentReason(err); permanent {
				t.Error("the error is permanent")
			}
		}
		if n := p.Counts().Appends - requests; n > 500 {
			t.Errorf("after %d rows: the search took %d requests, want at most 500", before, n)
		}
	}
	p.Fault(nil)
	write(t, sink, all)
	wantRows(t, p, all)
}

// A bad row in a batch of its own waits until the table has accepted another row.
func TestRowRefusedAlone(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 2)
	p.Fault(refusing(all[0]))
	if result, err := sink.Write(t.Context(), all[:1]); err == nil {
		t.Fatalf("result is %+v before any row was accepted", result)
	}
	if _, err := sink.Write(t.Context(), all[1:]); err != nil {
		t.Fatal(err)
	}
	result, err := sink.Write(t.Context(), all[:1])
	if diff := cmp.Diff([]int{0}, places(result)); err != nil || diff != "" {
		t.Errorf("error is %v, rejected rows (-want +got):\n%s", err, diff)
	}
	wantRows(t, p, all[1:])
}

// An outage during the search loses no good row, and rejects none.
func TestOutageDuringTheSearch(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 1_200)
	search := refusing(all[77])
	p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		met := search(r)
		if met.Kind == bigqueryfake.None && r.Number%5 == 0 && r.Number < 40 {
			met.Kind = bigqueryfake.DropAfter
		}
		return met
	})
	result, _ := write(t, sink, all)
	if diff := cmp.Diff([]int{77}, places(result)); diff != "" {
		t.Errorf("rejected rows (-want +got):\n%s", diff)
	}
	wantRows(t, p, slices.Concat(all[:77], all[78:]))
}
