package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * AccountService shows a caller its own account, and lets operators manage all of them.
 * Every call of every service is made by an account, which its API key decides: the key is sent as
 * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
 * they exist. A server on the loopback interface runs open until the first API key is made: it needs
 * no key, and every call is made by the account "local", with every scope. Make a key with the scope
 * ADMIN first.
 * Everything but a GetAccount of the own account needs the scope ADMIN.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AccountServiceGrpc {

  private AccountServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.AccountService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.GetAccountRequest,
      internal.smsgate.v1.GetAccountResponse> getGetAccountMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetAccount",
      requestType = internal.smsgate.v1.GetAccountRequest.class,
      responseType = internal.smsgate.v1.GetAccountResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.GetAccountRequest,
      internal.smsgate.v1.GetAccountResponse> getGetAccountMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.GetAccountRequest, internal.smsgate.v1.GetAccountResponse> getGetAccountMethod;
    if ((getGetAccountMethod = AccountServiceGrpc.getGetAccountMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getGetAccountMethod = AccountServiceGrpc.getGetAccountMethod) == null) {
          AccountServiceGrpc.getGetAccountMethod = getGetAccountMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.GetAccountRequest, internal.smsgate.v1.GetAccountResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetAccount"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetAccountRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetAccountResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("GetAccount"))
              .build();
        }
      }
    }
    return getGetAccountMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.CreateAccountRequest,
      internal.smsgate.v1.CreateAccountResponse> getCreateAccountMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateAccount",
      requestType = internal.smsgate.v1.CreateAccountRequest.class,
      responseType = internal.smsgate.v1.CreateAccountResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.CreateAccountRequest,
      internal.smsgate.v1.CreateAccountResponse> getCreateAccountMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.CreateAccountRequest, internal.smsgate.v1.CreateAccountResponse> getCreateAccountMethod;
    if ((getCreateAccountMethod = AccountServiceGrpc.getCreateAccountMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getCreateAccountMethod = AccountServiceGrpc.getCreateAccountMethod) == null) {
          AccountServiceGrpc.getCreateAccountMethod = getCreateAccountMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.CreateAccountRequest, internal.smsgate.v1.CreateAccountResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateAccount"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateAccountRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateAccountResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("CreateAccount"))
              .build();
        }
      }
    }
    return getCreateAccountMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateAccountRequest,
      internal.smsgate.v1.UpdateAccountResponse> getUpdateAccountMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateAccount",
      requestType = internal.smsgate.v1.UpdateAccountRequest.class,
      responseType = internal.smsgate.v1.UpdateAccountResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateAccountRequest,
      internal.smsgate.v1.UpdateAccountResponse> getUpdateAccountMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.UpdateAccountRequest, internal.smsgate.v1.UpdateAccountResponse> getUpdateAccountMethod;
    if ((getUpdateAccountMethod = AccountServiceGrpc.getUpdateAccountMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getUpdateAccountMethod = AccountServiceGrpc.getUpdateAccountMethod) == null) {
          AccountServiceGrpc.getUpdateAccountMethod = getUpdateAccountMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.UpdateAccountRequest, internal.smsgate.v1.UpdateAccountResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateAccount"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.UpdateAccountRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.UpdateAccountResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("UpdateAccount"))
              .build();
        }
      }
    }
    return getUpdateAccountMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.ListAccountsRequest,
      internal.smsgate.v1.ListAccountsResponse> getListAccountsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAccounts",
      requestType = internal.smsgate.v1.ListAccountsRequest.class,
      responseType = internal.smsgate.v1.ListAccountsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.ListAccountsRequest,
      internal.smsgate.v1.ListAccountsResponse> getListAccountsMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.ListAccountsRequest, internal.smsgate.v1.ListAccountsResponse> getListAccountsMethod;
    if ((getListAccountsMethod = AccountServiceGrpc.getListAccountsMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getListAccountsMethod = AccountServiceGrpc.getListAccountsMethod) == null) {
          AccountServiceGrpc.getListAccountsMethod = getListAccountsMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.ListAccountsRequest, internal.smsgate.v1.ListAccountsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAccounts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListAccountsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.ListAccountsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("ListAccounts"))
              .build();
        }
      }
    }
    return getListAccountsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.CreateApiKeyRequest,
      internal.smsgate.v1.CreateApiKeyResponse> getCreateApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateApiKey",
      requestType = internal.smsgate.v1.CreateApiKeyRequest.class,
      responseType = internal.smsgate.v1.CreateApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.CreateApiKeyRequest,
      internal.smsgate.v1.CreateApiKeyResponse> getCreateApiKeyMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.CreateApiKeyRequest, internal.smsgate.v1.CreateApiKeyResponse> getCreateApiKeyMethod;
    if ((getCreateApiKeyMethod = AccountServiceGrpc.getCreateApiKeyMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getCreateApiKeyMethod = AccountServiceGrpc.getCreateApiKeyMethod) == null) {
          AccountServiceGrpc.getCreateApiKeyMethod = getCreateApiKeyMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.CreateApiKeyRequest, internal.smsgate.v1.CreateApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CreateApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("CreateApiKey"))
              .build();
        }
      }
    }
    return getCreateApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.RevokeApiKeyRequest,
      internal.smsgate.v1.RevokeApiKeyResponse> getRevokeApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RevokeApiKey",
      requestType = internal.smsgate.v1.RevokeApiKeyRequest.class,
      responseType = internal.smsgate.v1.RevokeApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.RevokeApiKeyRequest,
      internal.smsgate.v1.RevokeApiKeyResponse> getRevokeApiKeyMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.RevokeApiKeyRequest, internal.smsgate.v1.RevokeApiKeyResponse> getRevokeApiKeyMethod;
    if ((getRevokeApiKeyMethod = AccountServiceGrpc.getRevokeApiKeyMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getRevokeApiKeyMethod = AccountServiceGrpc.getRevokeApiKeyMethod) == null) {
          AccountServiceGrpc.getRevokeApiKeyMethod = getRevokeApiKeyMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.RevokeApiKeyRequest, internal.smsgate.v1.RevokeApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RevokeApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.RevokeApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.RevokeApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("RevokeApiKey"))
              .build();
        }
      }
    }
    return getRevokeApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.TopUpRequest,
      internal.smsgate.v1.TopUpResponse> getTopUpMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TopUp",
      requestType = internal.smsgate.v1.TopUpRequest.class,
      responseType = internal.smsgate.v1.TopUpResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.TopUpRequest,
      internal.smsgate.v1.TopUpResponse> getTopUpMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.TopUpRequest, internal.smsgate.v1.TopUpResponse> getTopUpMethod;
    if ((getTopUpMethod = AccountServiceGrpc.getTopUpMethod) == null) {
      synchronized (AccountServiceGrpc.class) {
        if ((getTopUpMethod = AccountServiceGrpc.getTopUpMethod) == null) {
          AccountServiceGrpc.getTopUpMethod = getTopUpMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.TopUpRequest, internal.smsgate.v1.TopUpResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TopUp"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.TopUpRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.TopUpResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AccountServiceMethodDescriptorSupplier("TopUp"))
              .build();
        }
      }
    }
    return getTopUpMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AccountServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceStub>() {
        @java.lang.Override
        public AccountServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceStub(channel, callOptions);
        }
      };
    return AccountServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AccountServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingV2Stub>() {
        @java.lang.Override
        public AccountServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AccountServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AccountServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceBlockingStub>() {
        @java.lang.Override
        public AccountServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceBlockingStub(channel, callOptions);
        }
      };
    return AccountServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AccountServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AccountServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AccountServiceFutureStub>() {
        @java.lang.Override
        public AccountServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AccountServiceFutureStub(channel, callOptions);
        }
      };
    return AccountServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * GetAccount returns an account with its balance and how much of each limit is left, so that
     * limits can be read before they are hit. Any key may ask for its own account, whatever its
     * scopes.
     * </pre>
     */
    default void getAccount(internal.smsgate.v1.GetAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetAccountResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetAccountMethod(), responseObserver);
    }

    /**
     * <pre>
     * CreateAccount creates an account, without an API key. Safe to repeat with the same request_id.
     * </pre>
     */
    default void createAccount(internal.smsgate.v1.CreateAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateAccountResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateAccountMethod(), responseObserver);
    }

    /**
     * <pre>
     * UpdateAccount changes the fields of an account that the mask names, all at once. Every server
     * obeys the change within 10 seconds.
     * </pre>
     */
    default void updateAccount(internal.smsgate.v1.UpdateAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateAccountResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateAccountMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListAccounts returns the accounts ordered by id, page by page.
     * </pre>
     */
    default void listAccounts(internal.smsgate.v1.ListAccountsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListAccountsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAccountsMethod(), responseObserver);
    }

    /**
     * <pre>
     * CreateApiKey creates an API key and shows its secret, this once. Repeating it creates another
     * key: if an answer was lost, revoke the key that nobody has the secret of.
     * </pre>
     */
    default void createApiKey(internal.smsgate.v1.CreateApiKeyRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * RevokeApiKey makes a key worthless for good: every server refuses it within 10 seconds.
     * Repeating it is harmless.
     * </pre>
     */
    default void revokeApiKey(internal.smsgate.v1.RevokeApiKeyRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.RevokeApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRevokeApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * TopUp adds to the balance of a prepaid account. Its request_id is required: a top-up is never
     * done twice, however often it is repeated.
     * </pre>
     */
    default void topUp(internal.smsgate.v1.TopUpRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.TopUpResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTopUpMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AccountService.
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public static abstract class AccountServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AccountServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AccountService.
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public static final class AccountServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AccountServiceStub> {
    private AccountServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetAccount returns an account with its balance and how much of each limit is left, so that
     * limits can be read before they are hit. Any key may ask for its own account, whatever its
     * scopes.
     * </pre>
     */
    public void getAccount(internal.smsgate.v1.GetAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetAccountResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetAccountMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CreateAccount creates an account, without an API key. Safe to repeat with the same request_id.
     * </pre>
     */
    public void createAccount(internal.smsgate.v1.CreateAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateAccountResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateAccountMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UpdateAccount changes the fields of an account that the mask names, all at once. Every server
     * obeys the change within 10 seconds.
     * </pre>
     */
    public void updateAccount(internal.smsgate.v1.UpdateAccountRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateAccountResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateAccountMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListAccounts returns the accounts ordered by id, page by page.
     * </pre>
     */
    public void listAccounts(internal.smsgate.v1.ListAccountsRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.ListAccountsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAccountsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CreateApiKey creates an API key and shows its secret, this once. Repeating it creates another
     * key: if an answer was lost, revoke the key that nobody has the secret of.
     * </pre>
     */
    public void createApiKey(internal.smsgate.v1.CreateApiKeyRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RevokeApiKey makes a key worthless for good: every server refuses it within 10 seconds.
     * Repeating it is harmless.
     * </pre>
     */
    public void revokeApiKey(internal.smsgate.v1.RevokeApiKeyRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.RevokeApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRevokeApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * TopUp adds to the balance of a prepaid account. Its request_id is required: a top-up is never
     * done twice, however often it is repeated.
     * </pre>
     */
    public void topUp(internal.smsgate.v1.TopUpRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.TopUpResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTopUpMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AccountService.
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public static final class AccountServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AccountServiceBlockingV2Stub> {
    private AccountServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * GetAccount returns an account with its balance and how much of each limit is left, so that
     * limits can be read before they are hit. Any key may ask for its own account, whatever its
     * scopes.
     * </pre>
     */
    public internal.smsgate.v1.GetAccountResponse getAccount(internal.smsgate.v1.GetAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CreateAccount creates an account, without an API key. Safe to repeat with the same request_id.
     * </pre>
     */
    public internal.smsgate.v1.CreateAccountResponse createAccount(internal.smsgate.v1.CreateAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateAccount changes the fields of an account that the mask names, all at once. Every server
     * obeys the change within 10 seconds.
     * </pre>
     */
    public internal.smsgate.v1.UpdateAccountResponse updateAccount(internal.smsgate.v1.UpdateAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListAccounts returns the accounts ordered by id, page by page.
     * </pre>
     */
    public internal.smsgate.v1.ListAccountsResponse listAccounts(internal.smsgate.v1.ListAccountsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAccountsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CreateApiKey creates an API key and shows its secret, this once. Repeating it creates another
     * key: if an answer was lost, revoke the key that nobody has the secret of.
     * </pre>
     */
    public internal.smsgate.v1.CreateApiKeyResponse createApiKey(internal.smsgate.v1.CreateApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RevokeApiKey makes a key worthless for good: every server refuses it within 10 seconds.
     * Repeating it is harmless.
     * </pre>
     */
    public internal.smsgate.v1.RevokeApiKeyResponse revokeApiKey(internal.smsgate.v1.RevokeApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRevokeApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * TopUp adds to the balance of a prepaid account. Its request_id is required: a top-up is never
     * done twice, however often it is repeated.
     * </pre>
     */
    public internal.smsgate.v1.TopUpResponse topUp(internal.smsgate.v1.TopUpRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTopUpMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AccountService.
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public static final class AccountServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AccountServiceBlockingStub> {
    private AccountServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetAccount returns an account with its balance and how much of each limit is left, so that
     * limits can be read before they are hit. Any key may ask for its own account, whatever its
     * scopes.
     * </pre>
     */
    public internal.smsgate.v1.GetAccountResponse getAccount(internal.smsgate.v1.GetAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CreateAccount creates an account, without an API key. Safe to repeat with the same request_id.
     * </pre>
     */
    public internal.smsgate.v1.CreateAccountResponse createAccount(internal.smsgate.v1.CreateAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateAccount changes the fields of an account that the mask names, all at once. Every server
     * obeys the change within 10 seconds.
     * </pre>
     */
    public internal.smsgate.v1.UpdateAccountResponse updateAccount(internal.smsgate.v1.UpdateAccountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateAccountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListAccounts returns the accounts ordered by id, page by page.
     * </pre>
     */
    public internal.smsgate.v1.ListAccountsResponse listAccounts(internal.smsgate.v1.ListAccountsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAccountsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CreateApiKey creates an API key and shows its secret, this once. Repeating it creates another
     * key: if an answer was lost, revoke the key that nobody has the secret of.
     * </pre>
     */
    public internal.smsgate.v1.CreateApiKeyResponse createApiKey(internal.smsgate.v1.CreateApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RevokeApiKey makes a key worthless for good: every server refuses it within 10 seconds.
     * Repeating it is harmless.
     * </pre>
     */
    public internal.smsgate.v1.RevokeApiKeyResponse revokeApiKey(internal.smsgate.v1.RevokeApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRevokeApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * TopUp adds to the balance of a prepaid account. Its request_id is required: a top-up is never
     * done twice, however often it is repeated.
     * </pre>
     */
    public internal.smsgate.v1.TopUpResponse topUp(internal.smsgate.v1.TopUpRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTopUpMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AccountService.
   * <pre>
   * AccountService shows a caller its own account, and lets operators manage all of them.
   * Every call of every service is made by an account, which its API key decides: the key is sent as
   * the metadata "authorization: Bearer SECRET". An account never sees another's messages, nor that
   * they exist. A server on the loopback interface runs open until the first API key is made: it needs
   * no key, and every call is made by the account "local", with every scope. Make a key with the scope
   * ADMIN first.
   * Everything but a GetAccount of the own account needs the scope ADMIN.
   * </pre>
   */
  public static final class AccountServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AccountServiceFutureStub> {
    private AccountServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AccountServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AccountServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetAccount returns an account with its balance and how much of each limit is left, so that
     * limits can be read before they are hit. Any key may ask for its own account, whatever its
     * scopes.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.GetAccountResponse> getAccount(
        internal.smsgate.v1.GetAccountRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetAccountMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CreateAccount creates an account, without an API key. Safe to repeat with the same request_id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.CreateAccountResponse> createAccount(
        internal.smsgate.v1.CreateAccountRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateAccountMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UpdateAccount changes the fields of an account that the mask names, all at once. Every server
     * obeys the change within 10 seconds.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.UpdateAccountResponse> updateAccount(
        internal.smsgate.v1.UpdateAccountRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateAccountMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListAccounts returns the accounts ordered by id, page by page.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.ListAccountsResponse> listAccounts(
        internal.smsgate.v1.ListAccountsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAccountsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CreateApiKey creates an API key and shows its secret, this once. Repeating it creates another
     * key: if an answer was lost, revoke the key that nobody has the secret of.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.CreateApiKeyResponse> createApiKey(
        internal.smsgate.v1.CreateApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RevokeApiKey makes a key worthless for good: every server refuses it within 10 seconds.
     * Repeating it is harmless.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.RevokeApiKeyResponse> revokeApiKey(
        internal.smsgate.v1.RevokeApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRevokeApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * TopUp adds to the balance of a prepaid account. Its request_id is required: a top-up is never
     * done twice, however often it is repeated.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.TopUpResponse> topUp(
        internal.smsgate.v1.TopUpRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTopUpMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_ACCOUNT = 0;
  private static final int METHODID_CREATE_ACCOUNT = 1;
  private static final int METHODID_UPDATE_ACCOUNT = 2;
  private static final int METHODID_LIST_ACCOUNTS = 3;
  private static final int METHODID_CREATE_API_KEY = 4;
  private static final int METHODID_REVOKE_API_KEY = 5;
  private static final int METHODID_TOP_UP = 6;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_ACCOUNT:
          serviceImpl.getAccount((internal.smsgate.v1.GetAccountRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.GetAccountResponse>) responseObserver);
          break;
        case METHODID_CREATE_ACCOUNT:
          serviceImpl.createAccount((internal.smsgate.v1.CreateAccountRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateAccountResponse>) responseObserver);
          break;
        case METHODID_UPDATE_ACCOUNT:
          serviceImpl.updateAccount((internal.smsgate.v1.UpdateAccountRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.UpdateAccountResponse>) responseObserver);
          break;
        case METHODID_LIST_ACCOUNTS:
          serviceImpl.listAccounts((internal.smsgate.v1.ListAccountsRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.ListAccountsResponse>) responseObserver);
          break;
        case METHODID_CREATE_API_KEY:
          serviceImpl.createApiKey((internal.smsgate.v1.CreateApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.CreateApiKeyResponse>) responseObserver);
          break;
        case METHODID_REVOKE_API_KEY:
          serviceImpl.revokeApiKey((internal.smsgate.v1.RevokeApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.RevokeApiKeyResponse>) responseObserver);
          break;
        case METHODID_TOP_UP:
          serviceImpl.topUp((internal.smsgate.v1.TopUpRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.TopUpResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetAccountMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.GetAccountRequest,
              internal.smsgate.v1.GetAccountResponse>(
                service, METHODID_GET_ACCOUNT)))
        .addMethod(
          getCreateAccountMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.CreateAccountRequest,
              internal.smsgate.v1.CreateAccountResponse>(
                service, METHODID_CREATE_ACCOUNT)))
        .addMethod(
          getUpdateAccountMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.UpdateAccountRequest,
              internal.smsgate.v1.UpdateAccountResponse>(
                service, METHODID_UPDATE_ACCOUNT)))
        .addMethod(
          getListAccountsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.ListAccountsRequest,
              internal.smsgate.v1.ListAccountsResponse>(
                service, METHODID_LIST_ACCOUNTS)))
        .addMethod(
          getCreateApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.CreateApiKeyRequest,
              internal.smsgate.v1.CreateApiKeyResponse>(
                service, METHODID_CREATE_API_KEY)))
        .addMethod(
          getRevokeApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.RevokeApiKeyRequest,
              internal.smsgate.v1.RevokeApiKeyResponse>(
                service, METHODID_REVOKE_API_KEY)))
        .addMethod(
          getTopUpMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.TopUpRequest,
              internal.smsgate.v1.TopUpResponse>(
                service, METHODID_TOP_UP)))
        .build();
  }

  private static abstract class AccountServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AccountServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.AccountServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AccountService");
    }
  }

  private static final class AccountServiceFileDescriptorSupplier
      extends AccountServiceBaseDescriptorSupplier {
    AccountServiceFileDescriptorSupplier() {}
  }

  private static final class AccountServiceMethodDescriptorSupplier
      extends AccountServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AccountServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (AccountServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AccountServiceFileDescriptorSupplier())
              .addMethod(getGetAccountMethod())
              .addMethod(getCreateAccountMethod())
              .addMethod(getUpdateAccountMethod())
              .addMethod(getListAccountsMethod())
              .addMethod(getCreateApiKeyMethod())
              .addMethod(getRevokeApiKeyMethod())
              .addMethod(getTopUpMethod())
              .build();
        }
      }
    }
    return result;
  }
}
