package operate_test

import (
	"encoding/json"
	"testing"

	"github.com/cioevents/cioevents/internal/operate"
)

func TestMaskBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"b":"Ann <ann\u0040mail.example>","a":[1234567890123456789,{"x":"é@x.example, bob@y.example"}]}`: `{"a":[1234567890123456789,{"x":"é…@x.example, b…@y.example"}],"b":"Ann \u003ca…@mail.example\u003e"}`,
		`ann@mail.example {`:     `"a…@mail.example {"`,
		`{} ann@mail.example`:    `"{} a…@mail.example"`,
		`null`:                   `null`,
		`{"ann@mail.example":1}`: `{"a…@mail.example":1}`,
	} {
		got, err := json.Marshal(operate.MaskBody([]byte(body)))
		if err != nil || string(got) != want {
			t.Errorf("%s is masked as %s, %v; want %s", body, got, err, want)
		}
	}
}
