/**
 * Reads the RetryInfo of a rich gRPC error: the `grpc-status-details-bin` trailer is a `google.rpc.Status`, one of whose
 * `Any` details may be a `google.rpc.RetryInfo` (https://github.com/googleapis/googleapis/blob/master/google/rpc).
 * Read by hand, because three fields are not worth three more generated files.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema, DurationSchema } from "@bufbuild/protobuf/wkt";

const STATUS_DETAILS = 3;
const RETRY_INFO_DELAY = 1;
const RETRY_INFO = "google.rpc.RetryInfo";

/** The node's hint in milliseconds; undefined when there is none, or the bytes are damaged. */
export function retryAfterMs(statusDetails: Uint8Array): number | undefined {
  try {
    for (const detail of messagesOf(statusDetails, STATUS_DETAILS)) {
      const any = fromBinary(AnySchema, detail);
      if (!any.typeUrl.endsWith(`/${RETRY_INFO}`)) continue;
      for (const delay of messagesOf(any.value, RETRY_INFO_DELAY)) {
        const { seconds, nanos } = fromBinary(DurationSchema, delay);
        return Math.max(0, Number(seconds) * 1000 + Math.ceil(nanos / 1e6));
      }
    }
  } catch {
    // A hint that cannot be read is no hint: the error itself matters more.
  }
  return undefined;
}

/** The occurrences of one message field. */
function* messagesOf(message: Uint8Array, field: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field && wireType === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(wireType, number);
  }
}
