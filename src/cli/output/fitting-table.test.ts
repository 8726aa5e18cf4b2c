import { describe, expect, it } from "vitest";
import { fittingTable, widest } from "./fitting-table.ts";

const COLUMNS = [
  { heading: "NAME", align: "left", rank: 0 },
  { heading: "LESS", align: "right", rank: 2 },
  { heading: "MORE", align: "right", rank: 1 },
] as const;
const ROWS = [["a", "1", "2"]];

describe("a table for a given width", () => {
  it("is whole where there is room", () => {
    expect(fittingTable(COLUMNS, ROWS, 80)).toEqual(["NAME  LESS  MORE", "a        1     2"]);
  });

  it("gives up the columns of the highest rank first, and those of rank 0 never", () => {
    expect(fittingTable(COLUMNS, ROWS, 12)).toEqual(["NAME  MORE", "a        2"]);
    expect(fittingTable(COLUMNS, ROWS, 1)).toEqual(["NAME", "a"]);
  });

  it("is as wide as its longest line", () => {
    expect(widest(["a", "abc", "\u001b[1mab\u001b[0m"])).toBe(3);
    expect(widest([])).toBe(0);
  });
});
