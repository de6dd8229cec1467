package warehouse

import "fmt"

// A Table is the result of a query with few rows. Its values have the forms of Rows.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Objects returns each row as a map from the keys of the columns to the values.
func (t *Table) Objects() []map[string]any {
	keys := Keys(t.Columns)
	list := make([]map[string]any, len(t.Rows))
	for i, r := range t.Rows {
		list[i] = make(map[string]any, len(keys))
		for j, key := range keys {
			list[i][key] = r[j]
		}
	}
	return list
}

// Keys returns a different key for each column. When several columns have one name, the
// key of the second is name_2.
func Keys(columns []string) []string {
	keys, seen := make([]string, len(columns)), map[string]int{}
	for i, name := range columns {
		seen[name]++
		if seen[name] > 1 {
			name = fmt.Sprintf("%s_%d", name, seen[name])
		}
		keys[i] = name
	}
	return keys
}
