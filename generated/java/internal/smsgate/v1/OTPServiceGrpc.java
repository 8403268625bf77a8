package internal.smsgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
 * the person types.
 * The code is never in a response, the store, the log, the history or the stream. It cannot be read
 * back by anybody, the operator included; the only way to learn whether a code is right is
 * VerifyOTP.
 * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class OTPServiceGrpc {

  private OTPServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "smsgate.v1.OTPService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.SendOTPRequest,
      internal.smsgate.v1.SendOTPResponse> getSendOTPMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SendOTP",
      requestType = internal.smsgate.v1.SendOTPRequest.class,
      responseType = internal.smsgate.v1.SendOTPResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.SendOTPRequest,
      internal.smsgate.v1.SendOTPResponse> getSendOTPMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.SendOTPRequest, internal.smsgate.v1.SendOTPResponse> getSendOTPMethod;
    if ((getSendOTPMethod = OTPServiceGrpc.getSendOTPMethod) == null) {
      synchronized (OTPServiceGrpc.class) {
        if ((getSendOTPMethod = OTPServiceGrpc.getSendOTPMethod) == null) {
          OTPServiceGrpc.getSendOTPMethod = getSendOTPMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.SendOTPRequest, internal.smsgate.v1.SendOTPResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SendOTP"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendOTPRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.SendOTPResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OTPServiceMethodDescriptorSupplier("SendOTP"))
              .build();
        }
      }
    }
    return getSendOTPMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.VerifyOTPRequest,
      internal.smsgate.v1.VerifyOTPResponse> getVerifyOTPMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "VerifyOTP",
      requestType = internal.smsgate.v1.VerifyOTPRequest.class,
      responseType = internal.smsgate.v1.VerifyOTPResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.VerifyOTPRequest,
      internal.smsgate.v1.VerifyOTPResponse> getVerifyOTPMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.VerifyOTPRequest, internal.smsgate.v1.VerifyOTPResponse> getVerifyOTPMethod;
    if ((getVerifyOTPMethod = OTPServiceGrpc.getVerifyOTPMethod) == null) {
      synchronized (OTPServiceGrpc.class) {
        if ((getVerifyOTPMethod = OTPServiceGrpc.getVerifyOTPMethod) == null) {
          OTPServiceGrpc.getVerifyOTPMethod = getVerifyOTPMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.VerifyOTPRequest, internal.smsgate.v1.VerifyOTPResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "VerifyOTP"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.VerifyOTPRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.VerifyOTPResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OTPServiceMethodDescriptorSupplier("VerifyOTP"))
              .build();
        }
      }
    }
    return getVerifyOTPMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.GetVerificationRequest,
      internal.smsgate.v1.GetVerificationResponse> getGetVerificationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetVerification",
      requestType = internal.smsgate.v1.GetVerificationRequest.class,
      responseType = internal.smsgate.v1.GetVerificationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.GetVerificationRequest,
      internal.smsgate.v1.GetVerificationResponse> getGetVerificationMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.GetVerificationRequest, internal.smsgate.v1.GetVerificationResponse> getGetVerificationMethod;
    if ((getGetVerificationMethod = OTPServiceGrpc.getGetVerificationMethod) == null) {
      synchronized (OTPServiceGrpc.class) {
        if ((getGetVerificationMethod = OTPServiceGrpc.getGetVerificationMethod) == null) {
          OTPServiceGrpc.getGetVerificationMethod = getGetVerificationMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.GetVerificationRequest, internal.smsgate.v1.GetVerificationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetVerification"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetVerificationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.GetVerificationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OTPServiceMethodDescriptorSupplier("GetVerification"))
              .build();
        }
      }
    }
    return getGetVerificationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<internal.smsgate.v1.CancelVerificationRequest,
      internal.smsgate.v1.CancelVerificationResponse> getCancelVerificationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelVerification",
      requestType = internal.smsgate.v1.CancelVerificationRequest.class,
      responseType = internal.smsgate.v1.CancelVerificationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.smsgate.v1.CancelVerificationRequest,
      internal.smsgate.v1.CancelVerificationResponse> getCancelVerificationMethod() {
    io.grpc.MethodDescriptor<internal.smsgate.v1.CancelVerificationRequest, internal.smsgate.v1.CancelVerificationResponse> getCancelVerificationMethod;
    if ((getCancelVerificationMethod = OTPServiceGrpc.getCancelVerificationMethod) == null) {
      synchronized (OTPServiceGrpc.class) {
        if ((getCancelVerificationMethod = OTPServiceGrpc.getCancelVerificationMethod) == null) {
          OTPServiceGrpc.getCancelVerificationMethod = getCancelVerificationMethod =
              io.grpc.MethodDescriptor.<internal.smsgate.v1.CancelVerificationRequest, internal.smsgate.v1.CancelVerificationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelVerification"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CancelVerificationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.smsgate.v1.CancelVerificationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OTPServiceMethodDescriptorSupplier("CancelVerification"))
              .build();
        }
      }
    }
    return getCancelVerificationMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static OTPServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OTPServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OTPServiceStub>() {
        @java.lang.Override
        public OTPServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OTPServiceStub(channel, callOptions);
        }
      };
    return OTPServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static OTPServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OTPServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OTPServiceBlockingV2Stub>() {
        @java.lang.Override
        public OTPServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OTPServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return OTPServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static OTPServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OTPServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OTPServiceBlockingStub>() {
        @java.lang.Override
        public OTPServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OTPServiceBlockingStub(channel, callOptions);
        }
      };
    return OTPServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static OTPServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OTPServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OTPServiceFutureStub>() {
        @java.lang.Override
        public OTPServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OTPServiceFutureStub(channel, callOptions);
        }
      };
    return OTPServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * SendOTP sends a code to a recipient and starts a verification. While a verification of the same
     * account, recipient and purpose is pending, it sends the same code again instead, without
     * extending its life; inside the cool-down that is RESOURCE_EXHAUSTED / OTP_COOL_DOWN with a
     * RetryInfo. The answer comes once the message is stored, and never waits for a carrier.
     * </pre>
     */
    default void sendOTP(internal.smsgate.v1.SendOTPRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendOTPResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSendOTPMethod(), responseObserver);
    }

    /**
     * <pre>
     * VerifyOTP checks a code. A wrong code is an answer, not an error: OK means only that result is
     * true. The attempt is counted, durably, before the code is compared, so that attempts made in
     * parallel never get more tries than allowed. A right code counts once.
     * </pre>
     */
    default void verifyOTP(internal.smsgate.v1.VerifyOTPRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.VerifyOTPResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getVerifyOTPMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetVerification returns a verification as it is now, with the delivery of each of its messages.
     * </pre>
     */
    default void getVerification(internal.smsgate.v1.GetVerificationRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetVerificationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetVerificationMethod(), responseObserver);
    }

    /**
     * <pre>
     * CancelVerification makes the code worthless at once, and cancels what was not yet submitted.
     * Repeating it is harmless. A verification that has ended in another way is returned unchanged.
     * </pre>
     */
    default void cancelVerification(internal.smsgate.v1.CancelVerificationRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelVerificationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelVerificationMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service OTPService.
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public static abstract class OTPServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return OTPServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service OTPService.
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public static final class OTPServiceStub
      extends io.grpc.stub.AbstractAsyncStub<OTPServiceStub> {
    private OTPServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OTPServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OTPServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendOTP sends a code to a recipient and starts a verification. While a verification of the same
     * account, recipient and purpose is pending, it sends the same code again instead, without
     * extending its life; inside the cool-down that is RESOURCE_EXHAUSTED / OTP_COOL_DOWN with a
     * RetryInfo. The answer comes once the message is stored, and never waits for a carrier.
     * </pre>
     */
    public void sendOTP(internal.smsgate.v1.SendOTPRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.SendOTPResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSendOTPMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * VerifyOTP checks a code. A wrong code is an answer, not an error: OK means only that result is
     * true. The attempt is counted, durably, before the code is compared, so that attempts made in
     * parallel never get more tries than allowed. A right code counts once.
     * </pre>
     */
    public void verifyOTP(internal.smsgate.v1.VerifyOTPRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.VerifyOTPResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getVerifyOTPMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetVerification returns a verification as it is now, with the delivery of each of its messages.
     * </pre>
     */
    public void getVerification(internal.smsgate.v1.GetVerificationRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.GetVerificationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetVerificationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CancelVerification makes the code worthless at once, and cancels what was not yet submitted.
     * Repeating it is harmless. A verification that has ended in another way is returned unchanged.
     * </pre>
     */
    public void cancelVerification(internal.smsgate.v1.CancelVerificationRequest request,
        io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelVerificationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelVerificationMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service OTPService.
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public static final class OTPServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<OTPServiceBlockingV2Stub> {
    private OTPServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OTPServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OTPServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * SendOTP sends a code to a recipient and starts a verification. While a verification of the same
     * account, recipient and purpose is pending, it sends the same code again instead, without
     * extending its life; inside the cool-down that is RESOURCE_EXHAUSTED / OTP_COOL_DOWN with a
     * RetryInfo. The answer comes once the message is stored, and never waits for a carrier.
     * </pre>
     */
    public internal.smsgate.v1.SendOTPResponse sendOTP(internal.smsgate.v1.SendOTPRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendOTPMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * VerifyOTP checks a code. A wrong code is an answer, not an error: OK means only that result is
     * true. The attempt is counted, durably, before the code is compared, so that attempts made in
     * parallel never get more tries than allowed. A right code counts once.
     * </pre>
     */
    public internal.smsgate.v1.VerifyOTPResponse verifyOTP(internal.smsgate.v1.VerifyOTPRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getVerifyOTPMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetVerification returns a verification as it is now, with the delivery of each of its messages.
     * </pre>
     */
    public internal.smsgate.v1.GetVerificationResponse getVerification(internal.smsgate.v1.GetVerificationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetVerificationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CancelVerification makes the code worthless at once, and cancels what was not yet submitted.
     * Repeating it is harmless. A verification that has ended in another way is returned unchanged.
     * </pre>
     */
    public internal.smsgate.v1.CancelVerificationResponse cancelVerification(internal.smsgate.v1.CancelVerificationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelVerificationMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service OTPService.
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public static final class OTPServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<OTPServiceBlockingStub> {
    private OTPServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OTPServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OTPServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendOTP sends a code to a recipient and starts a verification. While a verification of the same
     * account, recipient and purpose is pending, it sends the same code again instead, without
     * extending its life; inside the cool-down that is RESOURCE_EXHAUSTED / OTP_COOL_DOWN with a
     * RetryInfo. The answer comes once the message is stored, and never waits for a carrier.
     * </pre>
     */
    public internal.smsgate.v1.SendOTPResponse sendOTP(internal.smsgate.v1.SendOTPRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSendOTPMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * VerifyOTP checks a code. A wrong code is an answer, not an error: OK means only that result is
     * true. The attempt is counted, durably, before the code is compared, so that attempts made in
     * parallel never get more tries than allowed. A right code counts once.
     * </pre>
     */
    public internal.smsgate.v1.VerifyOTPResponse verifyOTP(internal.smsgate.v1.VerifyOTPRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getVerifyOTPMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetVerification returns a verification as it is now, with the delivery of each of its messages.
     * </pre>
     */
    public internal.smsgate.v1.GetVerificationResponse getVerification(internal.smsgate.v1.GetVerificationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetVerificationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CancelVerification makes the code worthless at once, and cancels what was not yet submitted.
     * Repeating it is harmless. A verification that has ended in another way is returned unchanged.
     * </pre>
     */
    public internal.smsgate.v1.CancelVerificationResponse cancelVerification(internal.smsgate.v1.CancelVerificationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelVerificationMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service OTPService.
   * <pre>
   * OTPService proves that somebody holds a phone number: it sends a one-time code and checks what
   * the person types.
   * The code is never in a response, the store, the log, the history or the stream. It cannot be read
   * back by anybody, the operator included; the only way to learn whether a code is right is
   * VerifyOTP.
   * All four rpcs need the scope OTP. A verification of another account is NOT_FOUND.
   * </pre>
   */
  public static final class OTPServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<OTPServiceFutureStub> {
    private OTPServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OTPServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OTPServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * SendOTP sends a code to a recipient and starts a verification. While a verification of the same
     * account, recipient and purpose is pending, it sends the same code again instead, without
     * extending its life; inside the cool-down that is RESOURCE_EXHAUSTED / OTP_COOL_DOWN with a
     * RetryInfo. The answer comes once the message is stored, and never waits for a carrier.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.SendOTPResponse> sendOTP(
        internal.smsgate.v1.SendOTPRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSendOTPMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * VerifyOTP checks a code. A wrong code is an answer, not an error: OK means only that result is
     * true. The attempt is counted, durably, before the code is compared, so that attempts made in
     * parallel never get more tries than allowed. A right code counts once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.VerifyOTPResponse> verifyOTP(
        internal.smsgate.v1.VerifyOTPRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getVerifyOTPMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetVerification returns a verification as it is now, with the delivery of each of its messages.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.GetVerificationResponse> getVerification(
        internal.smsgate.v1.GetVerificationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetVerificationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CancelVerification makes the code worthless at once, and cancels what was not yet submitted.
     * Repeating it is harmless. A verification that has ended in another way is returned unchanged.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.smsgate.v1.CancelVerificationResponse> cancelVerification(
        internal.smsgate.v1.CancelVerificationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelVerificationMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SEND_OTP = 0;
  private static final int METHODID_VERIFY_OTP = 1;
  private static final int METHODID_GET_VERIFICATION = 2;
  private static final int METHODID_CANCEL_VERIFICATION = 3;

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
        case METHODID_SEND_OTP:
          serviceImpl.sendOTP((internal.smsgate.v1.SendOTPRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.SendOTPResponse>) responseObserver);
          break;
        case METHODID_VERIFY_OTP:
          serviceImpl.verifyOTP((internal.smsgate.v1.VerifyOTPRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.VerifyOTPResponse>) responseObserver);
          break;
        case METHODID_GET_VERIFICATION:
          serviceImpl.getVerification((internal.smsgate.v1.GetVerificationRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.GetVerificationResponse>) responseObserver);
          break;
        case METHODID_CANCEL_VERIFICATION:
          serviceImpl.cancelVerification((internal.smsgate.v1.CancelVerificationRequest) request,
              (io.grpc.stub.StreamObserver<internal.smsgate.v1.CancelVerificationResponse>) responseObserver);
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
          getSendOTPMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.SendOTPRequest,
              internal.smsgate.v1.SendOTPResponse>(
                service, METHODID_SEND_OTP)))
        .addMethod(
          getVerifyOTPMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.VerifyOTPRequest,
              internal.smsgate.v1.VerifyOTPResponse>(
                service, METHODID_VERIFY_OTP)))
        .addMethod(
          getGetVerificationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.GetVerificationRequest,
              internal.smsgate.v1.GetVerificationResponse>(
                service, METHODID_GET_VERIFICATION)))
        .addMethod(
          getCancelVerificationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.smsgate.v1.CancelVerificationRequest,
              internal.smsgate.v1.CancelVerificationResponse>(
                service, METHODID_CANCEL_VERIFICATION)))
        .build();
  }

  private static abstract class OTPServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    OTPServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.smsgate.v1.OtpService.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("OTPService");
    }
  }

  private static final class OTPServiceFileDescriptorSupplier
      extends OTPServiceBaseDescriptorSupplier {
    OTPServiceFileDescriptorSupplier() {}
  }

  private static final class OTPServiceMethodDescriptorSupplier
      extends OTPServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    OTPServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (OTPServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new OTPServiceFileDescriptorSupplier())
              .addMethod(getSendOTPMethod())
              .addMethod(getVerifyOTPMethod())
              .addMethod(getGetVerificationMethod())
              .addMethod(getCancelVerificationMethod())
              .build();
        }
      }
    }
    return result;
  }
}
