package bigquery

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
)

// ParseURL reads a Config from bigquery://PROJECT/DATASET. The dataset is optional.
// Parameters:
//
//	connections=8             Config.Connections
//	location=EU               Config.Location
//	timeout=1m                Config.Timeout
//	max_bytes_billed=100GiB   Config.MaxBytesBilled
//	grpc=HOST:PORT            Config.GRPCEndpoint
//	rest=URL                  Config.RESTEndpoint
func ParseURL(text string) (Config, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Config{}, errors.New("not a URL")
	}
	if u.Scheme != "bigquery" || u.Host == "" {
		return Config{}, errors.New("want bigquery://PROJECT/DATASET")
	}
	cfg := Config{Project: u.Host, Dataset: strings.Trim(u.Path, "/")}
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("read parameters: %w", err)
	}
	for name, values := range parameters {
		if err := cfg.set(name, values[len(values)-1]); err != nil {
			return Config{}, err
		}
	}
	if _, err := New(cfg); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// maxBytesBilled is the parameter for Config.MaxBytesBilled.
const maxBytesBilled = "max_bytes_billed"

func (c *Config) set(name, value string) (err error) {
	switch name {
	case "connections":
		c.Connections, err = strconv.Atoi(value)
		if err != nil || c.Connections < 1 {
			return fmt.Errorf("connections %q: want a number of at least 1", value)
		}
	case "location":
		c.Location = value
	case "timeout":
		c.Timeout, err = time.ParseDuration(value)
		if err != nil || c.Timeout <= 0 {
			return fmt.Errorf("timeout %q: want a duration such as 30s", value)
		}
	case maxBytesBilled:
		if (*config.Bytes)(&c.MaxBytesBilled).Set(value) != nil {
			return fmt.Errorf("%s %q: want a size such as 100GiB", maxBytesBilled, value)
		}
	case "grpc":
		c.GRPCEndpoint = value
	case "rest":
		c.RESTEndpoint = value
	default:
		return fmt.Errorf("unknown parameter %s: want connections, location, timeout, %s, grpc or rest", name, maxBytesBilled)
	}
	return nil
}
