package smsgate

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// Client sends and follows messages, for any number of goroutines.
//
// A call whose context has no deadline gets one: WithTimeout, BatchTimeout for a batch, and time for
// the wait of GetMessage. A call that needs a request_id and has none gets one, made once whatever
// is tried again. UNAVAILABLE is tried up to five times inside the deadline. Errors are an *Error.
// All of this is true of the stubs that Conn and Messages to Accounts give, too.
type Client struct {
	connection *connection
	channel    *grpc.ClientConn
	closed     atomic.Bool

	messages pb.MessageServiceClient
	otp      pb.OTPServiceClient
	pricing  pb.PricingServiceClient
	usage    pb.UsageServiceClient
	carriers pb.CarrierServiceClient
	accounts pb.AccountServiceClient
	webhooks pb.WebhookServiceClient
}

// Open makes a client, which connects at its first call. The target is the argument, else
// SMSGATE_TARGET, else DefaultTarget. Without TLS it reaches only this machine, unless WithInsecure
// says otherwise. An error is one of the options.
func Open(target string, options ...Option) (*Client, error) {
	connection, err := newConnection(target, options)
	if err != nil {
		return nil, err
	}
	client := &Client{connection: connection}
	channel, err := connection.channel(client.call, client.openStream)
	if err != nil {
		return nil, err
	}
	client.channel = channel
	client.messages = pb.NewMessageServiceClient(channel)
	client.otp = pb.NewOTPServiceClient(channel)
	client.pricing = pb.NewPricingServiceClient(channel)
	client.usage = pb.NewUsageServiceClient(channel)
	client.carriers = pb.NewCarrierServiceClient(channel)
	client.accounts = pb.NewAccountServiceClient(channel)
	client.webhooks = pb.NewWebhookServiceClient(channel)
	return client, nil
}

// Close closes the connection. Calls that are open end, and new ones get ErrClosed. It may be called
// more than once.
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.channel.Close()
}

// String names the target, and keeps the API key to itself.
func (c *Client) String() string { return "smsgate client of " + c.connection.target }

// Conn is for stubs of your own, on the same connection.
func (c *Client) Conn() grpc.ClientConnInterface { return c.channel }

// Messages is the stub of MessageService.
func (c *Client) Messages() pb.MessageServiceClient { return c.messages }

// OTP is the stub of OTPService.
func (c *Client) OTP() pb.OTPServiceClient { return c.otp }

// Pricing is the stub of PricingService.
func (c *Client) Pricing() pb.PricingServiceClient { return c.pricing }

// Usage is the stub of UsageService.
func (c *Client) Usage() pb.UsageServiceClient { return c.usage }

// Carriers is the stub of CarrierService.
func (c *Client) Carriers() pb.CarrierServiceClient { return c.carriers }

// Accounts is the stub of AccountService.
func (c *Client) Accounts() pb.AccountServiceClient { return c.accounts }

// Webhooks is the stub of WebhookService.
func (c *Client) Webhooks() pb.WebhookServiceClient { return c.webhooks }

// failed is the error of a call for its caller.
func (c *Client) failed(ctx context.Context, err error) error {
	if err = translated(ctx, err); err == nil || !c.closed.Load() {
		return err
	}
	return ended(err)
}
