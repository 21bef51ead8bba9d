import type { Answer } from "./questions.ts";

/** Collects answers until all are there, or one has endpoints and the others had their time. */
export function collect(
  questions: readonly Promise<Answer>[],
  settleMs: number,
): Promise<readonly (Answer | undefined)[]> {
  return new Promise((resolve) => {
    const answers: (Answer | undefined)[] = new Array(questions.length).fill(undefined);
    let pending = questions.length;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      resolve(answers);
    };
    if (pending === 0) finish();
    questions.forEach((question, index) => {
      // Questions do not reject.
      void question.then((answer) => {
        answers[index] = answer;
        pending -= 1;
        if (pending === 0) finish();
        else if (answer.endpoints.length > 0) timer ??= setTimeout(finish, settleMs);
      });
    });
  });
}
