package smsgate

import (
	"context"
	"iter"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// SendOTP sends a one-time code, or a pending one again. Nobody can read it back.
func (c *Client) SendOTP(
	ctx context.Context, request *pb.SendOTPRequest,
) (*pb.SendOTPResponse, error) {
	return c.otp.SendOTP(ctx, request)
}

// VerifyOTP checks a code. Only VERIFY_RESULT_APPROVED proves anything; a wrong code is no error.
func (c *Client) VerifyOTP(
	ctx context.Context, request *pb.VerifyOTPRequest,
) (*pb.VerifyOTPResponse, error) {
	return c.otp.VerifyOTP(ctx, request)
}

// GetVerification reads a verification as it is now, with the delivery of its messages.
func (c *Client) GetVerification(
	ctx context.Context, id string,
) (*pb.GetVerificationResponse, error) {
	return c.otp.GetVerification(ctx, &pb.GetVerificationRequest{Id: id})
}

// CancelVerification makes a code worthless at once. One that has ended is returned unchanged.
func (c *Client) CancelVerification(
	ctx context.Context, id string,
) (*pb.CancelVerificationResponse, error) {
	return c.otp.CancelVerification(ctx, &pb.CancelVerificationRequest{Id: id})
}

// ListPrices reads all rows of the tariffs, page by page as they are consumed.
func (c *Client) ListPrices(
	ctx context.Context, request *pb.ListPricesRequest,
) iter.Seq2[*pb.Price, error] {
	return allItems(ctx, request, c.ListPricesPage, (*pb.ListPricesResponse).GetPrices)
}

// ListPricesPage reads one page of the tariffs, with their version.
func (c *Client) ListPricesPage(
	ctx context.Context, request *pb.ListPricesRequest,
) (*pb.ListPricesResponse, error) {
	return c.pricing.ListPrices(ctx, request)
}

// ListDestinations reads every country and non-geographic code, page by page as they are consumed.
func (c *Client) ListDestinations(
	ctx context.Context, request *pb.ListDestinationsRequest,
) iter.Seq2[*pb.Destination, error] {
	return allItems(ctx, request, c.ListDestinationsPage,
		(*pb.ListDestinationsResponse).GetDestinations)
}

// ListDestinationsPage reads one page, with how many destinations there are and have a price.
func (c *Client) ListDestinationsPage(
	ctx context.Context, request *pb.ListDestinationsRequest,
) (*pb.ListDestinationsResponse, error) {
	return c.pricing.ListDestinations(ctx, request)
}

// LookupNumber tells all that is known of a number. A wrong number is an answer, not an error.
func (c *Client) LookupNumber(
	ctx context.Context, request *pb.LookupNumberRequest,
) (*pb.LookupNumberResponse, error) {
	return c.pricing.LookupNumber(ctx, request)
}

// GetUsage tells what was used by day, month or year.
func (c *Client) GetUsage(
	ctx context.Context, request *pb.GetUsageRequest,
) (*pb.GetUsageResponse, error) {
	return c.usage.GetUsage(ctx, request)
}

// ListCarriers tells how the carriers do.
func (c *Client) ListCarriers(ctx context.Context) (*pb.ListCarriersResponse, error) {
	return c.carriers.ListCarriers(ctx, &pb.ListCarriersRequest{})
}

// GetAccount reads an account, with its balance, bundle, budget, and what is left of every limit.
// An empty id is the account of the key.
func (c *Client) GetAccount(ctx context.Context, id string) (*pb.GetAccountResponse, error) {
	return c.accounts.GetAccount(ctx, &pb.GetAccountRequest{AccountId: id})
}

// ListAccounts reads all accounts, page by page as they are consumed.
func (c *Client) ListAccounts(
	ctx context.Context, request *pb.ListAccountsRequest,
) iter.Seq2[*pb.Account, error] {
	page := func(
		ctx context.Context, request *pb.ListAccountsRequest,
	) (*pb.ListAccountsResponse, error) {
		return c.accounts.ListAccounts(ctx, request)
	}
	return allItems(ctx, request, page, (*pb.ListAccountsResponse).GetAccounts)
}
