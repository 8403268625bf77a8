package smsgate

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func withoutEnvironment(t *testing.T) {
	t.Setenv(TargetVariable, "")
	t.Setenv(APIKeyVariable, "")
}

func TestTheArgumentWinsOverTheEnvironmentAndThatOverTheDefault(t *testing.T) {
	withoutEnvironment(t)
	made, err := newConnection("", nil)
	if err != nil || made.target != DefaultTarget || made.apiKey != "" {
		t.Fatal(made, err)
	}
	t.Setenv(TargetVariable, "sms.example.com:443")
	t.Setenv(APIKeyVariable, "sgk_environment")
	made, err = newConnection("", nil)
	if err != nil || made.target != "sms.example.com:443" || made.apiKey != "sgk_environment" {
		t.Fatal(made, err)
	}
	made, err = newConnection("localhost:1", []Option{WithAPIKey("sgk_own")})
	if err != nil || made.target != "localhost:1" || made.apiKey != "sgk_own" {
		t.Fatal(made, err)
	}
}

func TestOnlyThisMachineIsReachedWithoutTLS(t *testing.T) {
	withoutEnvironment(t)
	cases := map[string]bool{
		"127.0.0.1:50051":               false,
		"127.9.9.9:1":                   false,
		"localhost:50051":               false,
		"localhost":                     false,
		"[::1]:50051":                   false,
		"::1":                           false,
		"unix:/run/smsgate.sock":        false,
		"unix-abstract:smsgate":         false,
		"dns:///localhost:50051":        false,
		"passthrough:///127.0.0.1:1":    false,
		"dns://8.8.8.8/localhost:50051": false,
		"sms.example.com:443":           true,
		"10.0.0.1:50051":                true,
		"[2001:db8::1]:50051":           true,
		"dns:///sms.example.com":        true,
		"localhost.example.com:1":       true,
		"127.0.0.1:1,10.0.0.1:1":        true,
		"0.0.0.0:50051":                 true,
	}
	for target, encrypted := range cases {
		made, err := newConnection(target, nil)
		if err != nil || made.usesTLS() != encrypted {
			t.Errorf("%s: TLS is %v, %v", target, made.usesTLS(), err)
		}
		open, err := newConnection(target, []Option{WithInsecure()})
		if err != nil || open.usesTLS() {
			t.Errorf("%s: insecure, and yet TLS, %v", target, err)
		}
	}
	for _, option := range []Option{
		WithCA("ca.pem"), WithTLS(&tls.Config{}), WithClientCertificate("c.pem", "c.key"),
	} {
		made, err := newConnection("localhost:1", []Option{option})
		if err != nil || !made.usesTLS() {
			t.Error("TLS was wanted", err)
		}
	}
}

func TestOptionsThatContradictEachOtherAreRefused(t *testing.T) {
	withoutEnvironment(t)
	missing := filepath.Join(t.TempDir(), "missing.pem")
	noCertificate := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noCertificate, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]Option{
		"no API key has":            {WithAPIKey("sgk_with a space")},
		"no API key":                {WithAPIKey("sgk_ünïcode")},
		"needs its key":             {WithClientCertificate("c.pem", "")},
		"a key its certificate":     {WithClientCertificate("", "c.key")},
		"insecure and TLS exclude":  {WithInsecure(), WithCA("ca.pem")},
		"longer than nothing":       {WithTimeout(0)},
		"the certificates to trust": {WithCA(missing)},
		"there is no certificate":   {WithCA(noCertificate)},
		"the client certificate":    {WithClientCertificate(missing, missing)},
	}
	for why, options := range cases {
		client, err := Open("localhost:1", options...)
		if err == nil {
			client.Close()
			t.Errorf("%s: accepted", why)
		} else if !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "sgk_") {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestAnAPIKeyIsNotPrinted(t *testing.T) {
	client, err := Open("localhost:1", WithAPIKey("sgk_secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, client); strings.Contains(text, "sgk_secret") {
			t.Error(format)
		}
	}
}

func TestEveryCallButTheStreamAndCreateAPIKeyIsTriedAgain(t *testing.T) {
	names := retried()
	for _, expected := range []methodName{
		{"smsgate.v1.MessageService", "SendMessage"},
		{"smsgate.v1.OTPService", "VerifyOTP"},
		{"smsgate.v1.PricingService", "LookupNumber"},
		{"smsgate.v1.UsageService", "GetUsage"},
		{"smsgate.v1.CarrierService", "ListCarriers"},
		{"smsgate.v1.AccountService", "TopUp"},
	} {
		if !slices.Contains(names, expected) {
			t.Error("not tried again:", expected)
		}
	}
	for _, name := range names {
		if slices.Contains([]string{"StreamStatus", "CreateApiKey", "RotateWebhookSecret"}, name.Method) {
			t.Error("tried again:", name)
		}
	}
	if !json.Valid([]byte(serviceConfig())) || !strings.Contains(serviceConfig(), "round_robin") {
		t.Error(serviceConfig())
	}
}
