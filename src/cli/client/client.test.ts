import { SluiceClientError } from "@sluice/client";
import { describe, expect, it } from "vitest";
import { CommandError, UsageError } from "../exit.ts";
import { collectingTerminal } from "../testing/collecting-terminal.ts";
import { nodeAddresses } from "./address.ts";
import { answered } from "./errors.ts";
import { outageNotices } from "./outage-notices.ts";

const ADDRESSES = ["127.0.0.1:7070"];

describe("the address of the node", () => {
  it("comes from the flag, then the environment, then the default", () => {
    const terminal = collectingTerminal({ env: { SLUICE_ADDRESS: "b:2" } });
    expect(nodeAddresses({ address: "a:1" }, terminal)).toEqual(["a:1"]);
    expect(nodeAddresses({}, terminal)).toEqual(["b:2"]);
    expect(nodeAddresses({}, collectingTerminal({ env: { SLUICE_ADDRESS: "" } }))).toEqual(ADDRESSES);
  });

  it("may be several, and IPv6", () => {
    expect(nodeAddresses({ address: "a:1, [::1]:7070" }, collectingTerminal())).toEqual(["a:1", "[::1]:7070"]);
  });

  it.each(["localhost", "a:b", "a:1,", "http://a:1", "::1:7070"])("is refused as %j", (address) => {
    expect(() => nodeAddresses({ address }, collectingTerminal())).toThrow(UsageError);
  });
});

describe("an error of the node", () => {
  it.each([
    ["UNAVAILABLE", "no node at 127.0.0.1:7070; start one with 'sluice serve', or name another with --address"],
    ["DEADLINE_EXCEEDED", "no answer from 127.0.0.1:7070 in time"],
    ["UNIMPLEMENTED", "what answers at 127.0.0.1:7070 is no Sluice node, or one of another version"],
    ["NOT_FOUND", "no task 7 (NOT_FOUND)"],
  ] as const)("%s says what to do", async (code, message) => {
    const failed = answered(Promise.reject(new SluiceClientError(code, "no task 7")), ADDRESSES);
    await expect(failed).rejects.toThrow(new CommandError(message));
  });

  it("that nobody expected is left as it is", async () => {
    const fault = new TypeError("x is undefined");
    await expect(answered(Promise.reject(fault), ADDRESSES)).rejects.toBe(fault);
  });
});

describe("notices of an outage", () => {
  it("tell its beginning and its end once each", () => {
    const said: string[] = [];
    const logger = outageNotices((line) => said.push(line), ADDRESSES);
    logger.info({}, "submits are accepted again");
    for (let failure = 0; failure < 3; failure++) logger.warn({ code: "UNAVAILABLE" }, "submit failed");
    logger.info({}, "submits are accepted again");
    logger.warn({ code: "RESOURCE_EXHAUSTED" }, "queue q is full");
    expect(said).toEqual([
      "waiting: no node at 127.0.0.1:7070; start one with 'sluice serve', or name another with --address",
      "the node answers again",
      "waiting: queue q is full",
    ]);
  });
});
