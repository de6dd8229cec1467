package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// tryTrack asks the Track API for the region of the account.
func tryTrack(ctx context.Context, w config.Workspace, cfg customerio.Config, wrong error) []Verdict {
	site, key := config.Variable(w.Name, "SITE_ID"), config.Variable(w.Name, "TRACK_API_KEY")
	switch {
	case wrong != nil:
		return failed(wrong.Error(), wrongSetting)
	case w.SiteID == "" && w.APIKey == "":
		return skipped(fmt.Sprintf("%s and %s are not set here", site, key))
	case w.SiteID == "" || w.APIKey == "":
		return failed(fmt.Sprintf("only one of %s and %s is set", site, key), "set both: Customer.io shows them together under API credentials")
	}
	region, err := accountOf(ctx, cfg)
	switch {
	case region != "" && region != cmp.Or(cfg.Region, "us"):
		return wrongRegion(w, region)
	case customerio.IsUnauthorized(err):
		return failed(err.Error(), trackAdvice(ctx, w, cfg))
	case err != nil:
		return unreached(err)
	}
	return ok("credentials accepted, region %s", region)
}

// accountOf returns the region of the account with the credentials.
func accountOf(ctx context.Context, cfg customerio.Config) (string, error) {
	client, err := customerio.New(cfg)
	if err != nil {
		return "", err
	}
	return client.Region(ctx)
}

// trackAdvice tries the usual confusions of the keys. None of the calls leaves Customer.io.
func trackAdvice(ctx context.Context, w config.Workspace, cfg customerio.Config) string {
	site, key := config.Variable(w.Name, "SITE_ID"), config.Variable(w.Name, "TRACK_API_KEY")
	exchanged := cfg
	exchanged.SiteID, exchanged.APIKey = cfg.APIKey, cfg.SiteID
	if region, _ := accountOf(ctx, exchanged); region != "" {
		return fmt.Sprintf("exchange the values of %s and %s", site, key)
	}
	if w.AppKey != "" {
		cfg.APIKey = w.AppKey
		if region, _ := accountOf(ctx, cfg); region != "" {
			return fmt.Sprintf("%s has the Track API key: put it into %s, and an App API key into %[1]s", config.Variable(w.Name, "APP_API_KEY"), key)
		}
	}
	return fmt.Sprintf("copy %s and %s again, from the API credentials of this workspace in Customer.io", site, key)
}

func wrongRegion(w config.Workspace, region string) []Verdict {
	return failed("the account is in region "+region, fmt.Sprintf("set %s=%s", config.Variable(w.Name, "REGION"), region))
}

// unreached is the verdict about a silent API.
func unreached(err error) []Verdict {
	text := err.Error()
	if customerio.IsRateLimited(err) {
		return warned(text, "try again in a minute: other programs use up the calls that Customer.io allows to the account. If it stays, look for them, and lower their rates")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text = strings.Replace(text, context.DeadlineExceeded.Error(), fmt.Sprintf("no answer within %v", apiWait), 1)
	}
	return failed(text, "try again; if it stays, look at DNS, the firewall and HTTPS_PROXY of this machine, and at https://status.customer.io")
}
