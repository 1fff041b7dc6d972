// SPDX-License-Identifier: MIT
// System V IPC: a shared memory segment, a semaphore and a message queue, made, used and removed.
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "program.h"

int main(void) {
  const int memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  must(memory >= 0, "shmget");
  void* at = shmat(memory, NULL, SHM_RDONLY);
  must(at != (void*)-1, "shmat");
  must(shmdt(at) == 0, "shmdt");
  must(shmctl(memory, IPC_RMID, NULL) == 0, "shmctl");

  const int semaphore = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  must(semaphore >= 0, "semget");
  struct sembuf up = {0, 1, 0};
  must(semop(semaphore, &up, 1) == 0, "semop");
  must(semctl(semaphore, 0, IPC_RMID) == 0, "semctl");

  const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  must(queue >= 0, "msgget");
  struct {
    long type;
    char text[6];
  } message = {1, "hello"};
  must(msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0, "msgsnd");
  must(msgrcv(queue, &message, sizeof message.text, 0, 0) == sizeof message.text, "msgrcv");
  must(msgctl(queue, IPC_RMID, NULL) == 0, "msgctl");
  return 0;
}
