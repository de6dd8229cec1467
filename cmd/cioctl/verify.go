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
		Short: "Tell whether a captured call was signed by a key",
		Long: `verify reads the body of a captured call from standard input, byte for byte, and
tells which key signed it. It does not look at the age of the timestamp.`,
		Example: "  cioctl verify --signature 6f55… --timestamp 1614265384 < body.json",
	}
	cmd.Flags().StringVar(&signature, "signature", "", "the call's X-CIO-Signature")
	cmd.Flags().StringVar(&timestamp, "timestamp", "", "the call's X-CIO-Timestamp, left out when it had none")
	secrets := declare(func(s *config.Set) {
		s.Secret(&secret, "CUSTOMERIO_WEBHOOK_SECRET", "signing keys, comma-separated")
		s.Check(func() error {
			if secret == "" {
				return errors.New("CUSTOMERIO_WEBHOOK_SECRET: is required")
			}
			if signature == "" {
				return errors.New("--signature: is required, the call's X-CIO-Signature")
			}
			return nil
		})
	})
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		body, err := io.ReadAll(c.stdin(ctx))
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: config.SplitList(secret)})
		if err != nil {
			return &config.UsageError{Err: err}
		}
		h := http.Header{}
		h.Set(webhook.HeaderSignature, signature)
		if timestamp != "" {
			h.Set(webhook.HeaderTimestamp, timestamp)
		}
		key, err := v.Verify(h, body, time.Now())
		if err != nil {
			return fmt.Errorf("not signed by any of the %d keys over these %d bytes: %w; a body that was parsed and written again, or ends in another newline, does not verify", len(config.SplitList(secret)), len(body), err)
		}
		_, err = fmt.Fprintf(c.out, "signed by key %d of %d\n", key+1, len(config.SplitList(secret)))
		return err
	}, secrets)
}
