/* Stands for libnvidia-ml and librocm_smi64: two devices, and the faults that a build asks for with -D. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef START
#define START 0
#endif
#ifndef COUNT
#define COUNT 2
#endif
#ifndef LOST
#define LOST -1
#endif
#ifndef MEMORY
#define MEMORY 0
#endif

static int started;

static int copy(char *to, size_t room, const char *text) {
#ifdef UNENDED
    memset(to, 'x', room);
#else
    snprintf(to, room, "%s", text);
#endif
    return 0;
}

#ifdef NVML
struct device { unsigned index; };
static struct device devices[COUNT];

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_info;
typedef struct { unsigned long long total, free, used; } memory_info;

const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : code == 9 ? "Driver Not Loaded" : 0; }
int nvmlInit_v2(void) { started += START == 0; return START; }
int nvmlShutdown(void) { started -= 1; return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned room) { return started == 1 ? copy(text, room, "550.54.15") : 1; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = COUNT; return started == 1 ? 0 : 1; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device) {
    if (started != 1) return 1;
    if ((int)index == LOST) return 15;
    devices[index].index = index;
    *device = &devices[index];
    return 0;
}
#ifndef WITHOUT_NAME
int nvmlDeviceGetName(struct device *device, char *text, unsigned room) { return copy(text, room, "NVIDIA Test 8GB"); }
#endif
int nvmlDeviceGetUUID(struct device *device, char *text, unsigned room) {
    char uuid[64];
    snprintf(uuid, sizeof uuid, "GPU-00000000-0000-0000-0000-%012u", device->index);
    return copy(text, room, uuid);
}
int nvmlDeviceGetMemoryInfo(struct device *device, memory_info *memory) {
    memory->total = 8188ull << 20;
    memory->free = 5000ull << 20;
    memory->used = memory->total - memory->free;
    return MEMORY;
}
int nvmlDeviceGetPciInfo_v3(struct device *device, pci_info *info) {
    memset(info, 0, sizeof *info);
    info->domain = 0x10000;
    info->bus = 0x3B + device->index;
    return 0;
}
#else
int rsmi_init(uint64_t flags) { started += START == 0; return START; }
int rsmi_shut_down(void) { started -= 1; return 0; }
int rsmi_status_string(int code, const char **text) { *text = code == 8 ? "The operation failed" : 0; return 0; }
int rsmi_version_str_get(int component, char *text, uint32_t room) { return component == 0 ? copy(text, room, "6.10.5") : 1; }
int rsmi_num_monitor_devices(uint32_t *count) { *count = COUNT; return started == 1 ? 0 : 8; }
int rsmi_dev_name_get(uint32_t index, char *text, size_t room) {
    return (int)index == LOST ? 8 : copy(text, room, index == 0 ? "Radeon Test" : "Instinct Test");
}
int rsmi_dev_unique_id_get(uint32_t index, uint64_t *number) { *number = index == 0 ? 0 : 0xABCDEF; return 0; }
int rsmi_dev_pci_id_get(uint32_t index, uint64_t *place) { *place = 0x30000000u | (index == 0 ? 0x4300 : 0x0300); return 0; }
int rsmi_dev_memory_total_get(uint32_t index, int kind, uint64_t *bytes) { *bytes = 16ull << 30; return kind == 0 ? MEMORY : 1; }
int rsmi_dev_memory_usage_get(uint32_t index, int kind, uint64_t *bytes) { *bytes = 1ull << 30; return kind == 0 ? MEMORY : 1; }
#endif
