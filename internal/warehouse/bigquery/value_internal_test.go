package bigquery

import (
	"encoding/json"
	"math/big"
	"testing"

	bq "cloud.google.com/go/bigquery"
)

// The values that the fake's engine does not have.
func TestRareValues(t *testing.T) {
	t.Parallel()
	for want, c := range map[any]struct {
		kind  bq.FieldType
		value bq.Value
	}{
		`\x01ff`:                   {bq.BytesFieldType, []byte{1, 255}},
		"[a, b)":                   {bq.RangeFieldType, &bq.RangeValue{Start: "a", End: "b"}},
		json.Number("-12"):         {bq.NumericFieldType, big.NewRat(-12, 1)},
		json.Number("0.000000001"): {bq.BigNumericFieldType, big.NewRat(1, 1_000_000_000)},
		"0-0 0 25:0:0.5":           {bq.IntervalFieldType, &bq.IntervalValue{Hours: 25, SubSecondNanos: 500_000_000}},
		"not JSON":                 {bq.JSONFieldType, "not JSON"},
		"POINT(1 2)":               {bq.GeographyFieldType, "POINT(1 2)"},
	} {
		if got := valueOf(&bq.FieldSchema{Type: c.kind}, c.value); got != want {
			t.Errorf("%s is %#v; want %#v", c.kind, got, want)
		}
	}
}
