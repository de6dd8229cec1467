package customerio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pages yields the items of a list, page by page. key is the name of the items in an
// answer. After an error pages ends. An item can come twice, and an item can be missing,
// when the list changes between two pages: Customer.io promises no order.
func pages[T any](ctx context.Context, a *App, path, key string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		for {
			items, next, err := page[T](ctx, a, path, key, query)
			if err == nil && next != "" && next == query.Get("start") {
				err = errors.New("a page names itself as the next page")
			}
			if err != nil {
				yield(*new(T), fmt.Errorf("list %s: %w", strings.ReplaceAll(key, "_", " "), err))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if query == nil {
				query = url.Values{}
			}
			query.Set("start", next)
		}
	}
}

// page returns the items of a page and the start of the next page, "" after the last.
func page[T any](ctx context.Context, a *App, path, key string, query url.Values) (items []T, next string, err error) {
	var answer map[string]json.RawMessage
	if err := a.call(ctx, http.MethodGet, path, query, nil, &answer); err != nil {
		return nil, "", err
	}
	list, ok := answer[key]
	if !ok {
		return nil, "", fmt.Errorf("decode answer: no %q", key)
	}
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, "", fmt.Errorf("decode answer: %w", err)
	}
	return items, token(answer["next"]), nil
}

// token returns the start of the next page, which is a text in most lists and a number
// in some.
func token(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw) // a number, or nothing
}

// A number is an id, which some examples of Customer.io write as a text.
type number int64

// UnmarshalJSON reads a number, a text with a number, or null as 0.
func (n *number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	i, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	*n = number(i)
	return err
}
