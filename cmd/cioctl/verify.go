package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (c *cli) verify() *cobra.Command {
	var secret, signature, timestamp string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the signature of a captured webhook call",
		Long: `verify reads the body of a captured webhook call from standard input, byte for
byte, and prints which of the keys signed the call. It ignores the age of the
timestamp. Copy --signature and --timestamp from the headers of the call.`,
		Example: "  cioctl verify --signature 6f55… --timestamp 1614265384 < body.json",
	}
	cmd.Flags().StringVar(&signature, "signature", "", "header X-CIO-Signature of the call (required)")
	cmd.Flags().StringVar(&timestamp, "timestamp", "", "header X-CIO-Timestamp of the call; leave it out when the call has none")
	secrets := declare(func(s *config.Set) {
		s.Secret(&secret, "CUSTOMERIO_WEBHOOK_SECRET", "signing keys, comma-separated (required)")
		s.Check(func() error {
			if secret == "" {
				return errors.New("CUSTOMERIO_WEBHOOK_SECRET: is required: give the signing key")
			}
			if signature == "" {
				return errors.New("--signature: is required: give the header X-CIO-Signature of the call")
			}
			return nil
		})
	})
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		body, err := io.ReadAll(c.stdin(ctx))
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		keys := config.SplitList(secret)
		key, err := signedBy(keys, signature, timestamp, body)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "signed by key %d of %d\n", key+1, len(keys))
		return err
	}, secrets)
}

// signedBy returns the index of the key that signed the body.
func signedBy(keys []string, signature, timestamp string, body []byte) (int, error) {
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: keys})
	if err != nil {
		return 0, &config.UsageError{Err: err}
	}
	h := http.Header{}
	h.Set(webhook.HeaderSignature, signature)
	if timestamp != "" {
		h.Set(webhook.HeaderTimestamp, timestamp)
	}
	key, err := v.Verify(h, body, time.Now())
	if err != nil {
		return 0, fmt.Errorf("not signed by any of the %d keys over these %d bytes: %w; give the exact bytes of the call: a body that was parsed and written again, or that has an additional newline, does not verify", len(keys), len(body), err)
	}
	return key, nil
}
