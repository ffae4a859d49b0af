/* PCI: finding a device, its capabilities and its memory, with addresses assigned where firmware left none. */
#ifndef EMBER_PCI_H
#define EMBER_PCI_H

#include <stdint.h>

/* Bus, device and function in the form that configuration space uses. */
typedef uint32_t pci_address;

uint32_t pci_read(pci_address, int offset);
void pci_write(pci_address, int offset, uint32_t value);

/*
 * The first function with this vendor and either device number, on any bus; bridges without bus numbers get them during the search.
 * Returns 0 when there is none (0 is the host bridge, which is never a search target).
 */
pci_address pci_find(uint16_t vendor, uint16_t device, uint16_t other_device);

/* The place of a capability in configuration space, and its first word: id, offset of the next, and 16 capability-specific bits. */
struct pci_capability {
  uint8_t offset;
  uint32_t word;
};

/* Fills in the capabilities in order, at most `most`. Returns how many. */
int pci_capabilities(pci_address, struct pci_capability *, int most);

/* Physical address of a memory BAR (0 to 5), assigned now if firmware did not. 0 when it is not a memory BAR, or larger than 1 MiB. */
uint64_t pci_memory(pci_address, int bar);

/* Enables the device's memory accesses, both as target and as bus master; nothing else. */
void pci_enable(pci_address);

#endif
