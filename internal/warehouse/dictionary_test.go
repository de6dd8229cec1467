package warehouse_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A view's columns are told apart and explained.
func TestDictionary(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, v := range warehouse.Dictionary() {
		if names[v.Name] || !strings.HasPrefix(v.Name, "customerio_") || v.About == "" {
			t.Errorf("view %q is there twice, or has a wrong name or no explanation", v.Name)
		}
		names[v.Name] = true
		columns := map[string]bool{}
		for _, c := range v.Columns {
			if columns[c.Name] || c.About == "" {
				t.Errorf("%s: column %s is there twice or not explained", v.Name, c.Name)
			}
			columns[c.Name] = true
		}
	}
}
