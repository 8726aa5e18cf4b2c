/** A bare grpc-js server that answers every unary call with the bytes it was sent: what grpc-js costs without anything behind. */
import { Server, ServerCredentials } from "@grpc/grpc-js";

const PATH = "/sluice.v1.DistributorService/Submit";
const same = (bytes: Buffer): Buffer => bytes;

const server = new Server({ "grpc.enable_channelz": 0 });
server.addService(
  {
    submit: {
      path: PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  {
    submit: (call: { readonly request: Buffer }, answer: (error: null, bytes: Buffer) => void) =>
      answer(null, call.request),
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ port });
});
process.once("disconnect", () => server.forceShutdown());
