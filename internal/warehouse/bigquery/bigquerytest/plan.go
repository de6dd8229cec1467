package bigquerytest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A node is an operator of DuckDB's plan.
type node struct {
	Children []node         `json:"children"`
	Extra    map[string]any `json:"extra_info"`
}

// planOf reads a plan of DuckDB as JSON.
func planOf(text string) (bigqueryfake.Plan, error) {
	var top []node
	if err := json.Unmarshal([]byte(text), &top); err != nil {
		return bigqueryfake.Plan{}, fmt.Errorf("read DuckDB's plan: %w", err)
	}
	p := bigqueryfake.Plan{StatementType: "SELECT", Reads: map[string][]string{}}
	for _, n := range top {
		n.collect(p.Reads)
	}
	return p, nil
}

// collect adds the columns that the scans of tables read. DuckDB names the columns of a
// condition within the condition's text.
func (n node) collect(reads map[string][]string) {
	if table, ok := n.Extra["Table"].(string); ok {
		table = table[strings.LastIndexByte(table, '.')+1:]
		text := fmt.Sprint(n.Extra["Projections"], " ", n.Extra["Filters"])
		words := strings.FieldsFunc(text, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		reads[table] = append(reads[table], known(words, reads[table])...)
	}
	for _, child := range n.Children {
		child.collect(reads)
	}
}

// known returns the words that are names of columns, each once, except those of before.
func known(words, before []string) (list []string) {
	seen := map[string]bool{}
	for _, name := range before {
		seen[name] = true
	}
	columns := map[string]bool{}
	for _, c := range warehouse.Columns() {
		columns[c.Name] = true
	}
	for _, w := range words {
		if columns[w] && !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}
