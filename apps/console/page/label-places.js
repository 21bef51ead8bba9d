import { nodeHeight, nodeWidth } from "./layout.js";

/** About as wide as a label gets. */
const labelWidth = 108;
const lineHeight = 15;

/** More lines than this are too many to look for free places. */
const maxLines = 300;

const middle = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78];

/** Finds places for labels: on their lines, away from nodes and from each other. */
export class LabelPlaces {
  #taken;
  #lines = 0;

  constructor(places) {
    this.#taken = [...places.values()].map(({ x, y }) => ({
      ...{ left: x, top: y, right: x + nodeWidth, bottom: y + nodeHeight },
    }));
  }

  /**
   * @param lean -1: rather near the begin, 1: rather near the end, 0: rather in the middle.
   * @returns the middle of the label.
   */
  find({ point }, rows, lean) {
    this.#lines += 1;
    const wishes = lean === 0 ? middle : [0.5 + 0.1 * lean, 0.5 + 0.18 * lean, ...middle];
    const boxes = wishes.map((t) => boxAt(point(t), rows));
    const free = this.#lines > maxLines ? boxes[0] : boxes.find((box) => this.#isFree(box));
    const box = free ?? boxes[0];
    this.#taken.push(box);
    return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  }

  #isFree(box) {
    return !this.#taken.some(
      (other) =>
        box.left < other.right &&
        other.left < box.right &&
        box.top < other.bottom &&
        other.top < box.bottom,
    );
  }
}

function boxAt({ x, y }, rows) {
  const [halfWidth, halfHeight] = [labelWidth / 2, (rows * lineHeight) / 2];
  return {
    ...{ left: x - halfWidth, right: x + halfWidth },
    ...{ top: y - halfHeight, bottom: y + halfHeight },
  };
}
