package smsgate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
)

const (
	// DefaultTarget is where a client connects to if nobody says otherwise.
	DefaultTarget = "127.0.0.1:50051"
	// TargetVariable of the environment counts where Open is given no target.
	TargetVariable = "SMSGATE_TARGET"
	// APIKeyVariable of the environment counts where WithAPIKey is not given.
	APIKeyVariable = "SMSGATE_API_KEY"
	// DefaultTimeout is the deadline of a call whose context has none.
	DefaultTimeout = 10 * time.Second
	// BatchTimeout is that of a batch, unless WithTimeout gives a longer one.
	BatchTimeout = 30 * time.Second
)

// Option says how to connect. See Open.
type Option func(*connection)

// WithAPIKey is the key that every call carries.
func WithAPIKey(key string) Option {
	return func(c *connection) { c.apiKey = key }
}

// WithTimeout is the deadline of calls whose context has none.
func WithTimeout(timeout time.Duration) Option {
	return func(c *connection) { c.timeout = timeout }
}

// WithCA names a file with the certificates to trust, PEM. Empty means those of the system.
func WithCA(path string) Option {
	return func(c *connection) { c.caPath = path }
}

// WithClientCertificate names the files with the client's certificate and its key, PEM.
func WithClientCertificate(certificatePath, keyPath string) Option {
	return func(c *connection) { c.certificatePath, c.keyPath = certificatePath, keyPath }
}

// WithTLS takes a configuration of your own, to which WithCA and WithClientCertificate add.
func WithTLS(config *tls.Config) Option {
	return func(c *connection) { c.tlsConfig = config }
}

// WithInsecure allows a connection without TLS to another machine.
func WithInsecure() Option {
	return func(c *connection) { c.insecure = true }
}

// WithDialOptions are options of the gRPC channel, which win over ours.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(c *connection) { c.dialOptions = append(c.dialOptions, options...) }
}

// connection is where and how to connect, checked.
type connection struct {
	target          string
	apiKey          string
	timeout         time.Duration
	caPath          string
	certificatePath string
	keyPath         string
	tlsConfig       *tls.Config
	insecure        bool
	dialOptions     []grpc.DialOption
}

func newConnection(target string, options []Option) (*connection, error) {
	made := &connection{target: target, timeout: DefaultTimeout}
	for _, option := range options {
		option(made)
	}
	made.target = firstOf(made.target, os.Getenv(TargetVariable), DefaultTarget)
	made.apiKey = firstOf(made.apiKey, os.Getenv(APIKeyVariable))
	return made, made.check()
}

func (c *connection) check() error {
	for _, character := range c.apiKey {
		if character <= ' ' || character > '~' {
			// Without the key: errors are logged.
			return errors.New("smsgate: the API key has a character that no API key has")
		}
	}
	if (c.certificatePath == "") != (c.keyPath == "") {
		return errors.New("smsgate: a client certificate needs its key, and a key its certificate")
	}
	if c.insecure && c.wantsTLS() {
		return errors.New("smsgate: insecure and TLS exclude each other")
	}
	if c.timeout <= 0 {
		return errors.New("smsgate: a timeout must be longer than nothing")
	}
	return nil
}

func (c *connection) wantsTLS() bool {
	return c.caPath != "" || c.certificatePath != "" || c.tlsConfig != nil
}

// usesTLS tells whether the channel is encrypted.
func (c *connection) usesTLS() bool {
	return c.wantsTLS() || !(c.insecure || isLocal(c.target))
}

func (c *connection) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.tlsConfig != nil {
		config = c.tlsConfig.Clone()
	}
	if c.caPath != "" {
		pem, err := os.ReadFile(c.caPath)
		if err != nil {
			return nil, fmt.Errorf("smsgate: the certificates to trust: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("smsgate: there is no certificate in %s", c.caPath)
		}
	}
	if c.certificatePath != "" {
		pair, err := tls.LoadX509KeyPair(c.certificatePath, c.keyPath)
		if err != nil {
			return nil, fmt.Errorf("smsgate: the client certificate: %w", err)
		}
		config.Certificates = append(config.Certificates, pair)
	}
	return config, nil
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
